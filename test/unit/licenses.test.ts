// The licences of all whose code is in the package go with it. Reads the built dist/.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Of the packages that the sources import, all but those that are dependencies: these bring their own. */
function bundled(): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = new Set<string>();
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.(tsx?|js)$/.test(file)) continue;
    const text = readFileSync(join(root, 'src', file), 'utf8');
    for (const [, name = ''] of text.matchAll(/^import (?!type)[^;]*?'((?:@[\w-]+\/)?[\w.-]+)(?:\/[^']*)?';/gm))
      names.add(name);
  }
  return [...names].filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !(name in dependencies));
}

test('each package whose code is in dist/ is named with its licence', () => {
  const text = readFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  const entries = new Map(
    text
      .split(`\n${'-'.repeat(80)}\n\n`)
      .map((entry) => [entry.slice(0, entry.indexOf(' ')), entry.split('\n').slice(1).join('\n').trim()]),
  );
  const names = bundled();
  assert.ok(names.includes('preact') && names.includes('hono'), names.join(' '));
  for (const name of [...names, 'uplot', 'd3-flame-graph', 'd3-selection']) {
    assert.match(entries.get(name) ?? '', /copyright|licen[cs]e/i, name);
  }
});
