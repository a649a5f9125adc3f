import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generatedFiles } from '../../scripts/generate-docs.ts';
import { exitCodes } from '../../src/errors.ts';

for (const [path, content] of Object.entries(generatedFiles())) {
  test(`${path} is what the tables say`, () => {
    const written = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    assert.equal(written, content, 'run npm run docs');
  });
}

test('docs/exit-codes.md explains every exit code', () => {
  const page = readFileSync(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8');
  for (const [name, code] of Object.entries(exitCodes)) {
    assert.match(page, new RegExp(`^\\| ${code} \\|`, 'm'), name);
  }
});
