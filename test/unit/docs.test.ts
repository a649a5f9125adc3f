import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
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

test('every link between pages and files leads somewhere', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
  ];
  const broken = pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8');
      return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => ({ page, link }));
    })
    .filter(({ page, link }) => !existsSync(join(root, dirname(page), link)))
    .map(({ page, link }) => `${page}: ${link}`);
  assert.deepEqual(broken, []);
});
