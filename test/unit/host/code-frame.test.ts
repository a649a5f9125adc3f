import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { codeFrame } from '../../../src/host/look/code-frame.ts';

function folder(t: TestContext, files: Record<string, string>): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'frame-')));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(made, name, '..'), { recursive: true });
    writeFileSync(join(made, name), text);
  }
  return made;
}

const numbered = 'one\n\ttwo\nthree = boom()\nfour\nfive\nsix\n';

test('the innermost line that is the program’s own, past Node and packages', async (t) => {
  const at = folder(t, { 'src/a.js': numbered, 'node_modules/p/i.js': 'p' });
  const stack = `Error: boom
    at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15)
    at read (${at}/node_modules/p/i.js:1:1)
    at async start (${pathToFileURL(`${at}/src/a.js`)}:3:9)
    at ${at}/src/a.js:1:1`;
  assert.deepEqual(await codeFrame(stack, at), [
    'src/a.js:3:9',
    '  1 | one',
    '  2 |  two',
    '> 3 | three = boom()',
    '    |         ^',
    '  4 | four',
    '  5 | five',
  ]);
  assert.equal((await codeFrame(stack, '/elsewhere'))[0], `${at}/src/a.js:3:9`);
});

test('a syntax error, whose place stands before it', async (t) => {
  const at = folder(t, { 'a.js': numbered });
  const stack = `${at}/a.js:6\nsix\n  ^\n\nSyntaxError: Unexpected\n    at wrapSafe (node:internal/modules/cjs/loader:1278:20)`;
  assert.deepEqual(await codeFrame(stack, at), ['a.js:6', '  4 | four', '  5 | five', '> 6 | six', '  7 |']);
});

test('an import of what is not there, which leaves no line of the program in the stack', async (t) => {
  const at = folder(t, { 'a.mjs': "import http from 'node:http';\nimport { x } from './gone.mjs';\n" });
  const stack = `Error [ERR_MODULE_NOT_FOUND]: Cannot find module '${at}/gone.mjs' imported from ${at}/a.mjs\n    at finalizeResolution (node:internal/modules/esm/resolve:275:11)`;
  assert.deepEqual((await codeFrame(stack, at)).slice(0, 3), [
    'a.mjs:2',
    "  1 | import http from 'node:http';",
    "> 2 | import { x } from './gone.mjs';",
  ]);
});

test('of a line that a bundler wrote, only what is near', async (t) => {
  const at = folder(t, { 'b.js': `${'x'.repeat(5_000)}BOOM${'y'.repeat(5_000)}` });
  const frame = await codeFrame(`Error\n    at ${at}/b.js:1:5001`, at);
  assert.ok(frame.every((line) => line.length < 140));
  assert.equal(frame[1]?.indexOf('BOOM'), frame[2]?.indexOf('^'));
});

test('nothing where there is nothing to show', async (t) => {
  const at = folder(t, { 'a.js': 'one\n' });
  const stacks = [
    '',
    'Uncaught 7',
    `Error\n    at ${at}/gone.js:1:1`,
    `Error\n    at ${at}/a.js:9:1`,
    `Error\n    at ${at}:1:1`,
  ];
  for (const stack of [
    ...stacks,
    'Error\n    at file:///%00:1:1',
    'Error\n    at node:fs:1:1',
    `Error\n    at eval (a.js:1:1)`,
  ]) {
    assert.deepEqual(await codeFrame(stack, at), [], stack);
  }
});
