import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from '../../scripts/generate-docs.ts';
import { exitCodes } from '../../src/errors.ts';
import { transition, type Worker, type WorkerStatus } from '../../src/supervisor/workers/worker-state.ts';

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

test('the two walks of docs/architecture.md are short', () => {
  const walks = sectionsOf('Two walks', '### ');
  const mostFiles = [12, 15];
  assert.equal(walks.length, mostFiles.length);
  for (const [index, walk] of walks.entries()) {
    const stops = walk.match(/^\d+\. .*$/gm) ?? [];
    const files = new Set(
      stops.flatMap((stop) => [...stop.matchAll(/\]\((\.\.\/src\/[^)]+)\)/g)].map(([, file]) => file)),
    );
    assert.ok(
      files.size >= 5 && files.size <= (mostFiles[index] ?? 0),
      `${files.size} files: ${[...files].join(', ')}`,
    );
  }
});

test('every word of the glossary is a name in the code', () => {
  const src = fileURLToPath(new URL('../../src/', import.meta.url));
  const code = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(src, name), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, ''))
    .join('\n');
  const words = [
    ...sectionsOf('Words', '')
      .join('')
      .matchAll(/^\| (?!Word )([a-z -]+) \|/gm),
  ].map(([, word = '']) => word);
  assert.ok(words.length > 40);
  assert.deepEqual(
    words.filter((word) => !nameOf(word).test(code)),
    [],
  );
});

/** `early death` is found in `earlyDeaths`, `noteEarlyDeath` and 'early-death', but `rest` not in `restart`. */
function nameOf(word: string): RegExp {
  const parts = word.split(/[ -]/).map((part) => `[${part[0]}${part[0]?.toUpperCase()}]${part.slice(1)}`);
  const name = parts.join('[ _-]?');
  return new RegExp(`(?:(?<![A-Za-z])${name}|(?<=[a-z])${name.replace(/^\[.(.)\]/, '$1')})s?(?![a-z])`);
}

test('docs/lifecycle.md says which states may follow which', () => {
  const page = readFileSync(new URL('../../docs/lifecycle.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (\w+) \|[^|]*\|[^|]*\|([\w, ]*)\|$/gm)].filter(([, from]) => from !== 'State');
  const states = rows.map(([, from = '']) => from);
  const may = (from: string, to: string): boolean => {
    const worker = { id: 1, state: { type: from } } as Worker;
    try {
      transition(worker, { type: to } as WorkerStatus);
      return true;
    } catch {
      return false;
    }
  };
  assert.equal(states.length, 7);
  for (const [, from = '', then = ''] of rows) {
    const allowed = states.filter((to) => may(from, to));
    assert.deepEqual(
      then
        .split(',')
        .map((to) => to.trim())
        .filter(Boolean)
        .sort(),
      allowed.sort(),
      from,
    );
    assert.ok(may(from, 'exited'), from);
  }
});

/** What stands under a heading of docs/architecture.md, cut at `mark`; whole if that is empty. */
function sectionsOf(heading: string, mark: string): string[] {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return mark === '' ? [section] : section.split(mark).slice(1);
}

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
