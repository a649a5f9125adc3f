import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { resolveEntry } from '../../../src/host/entry.ts';
import { Generations, type Program } from '../../../src/host/generations.ts';

function folder(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-generations-')));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function program(cwd: string, entry = 'server.js'): Program {
  return {
    name: 'app',
    entry: join(cwd, entry),
    args: [],
    cwd,
    env: {},
    nodeArgs: [],
    node: null,
    ready: 'listening',
    compileCache: true,
    instanceVar: 'NODE_APP_INSTANCE',
    incrementVar: null,
  };
}

function release(top: string, name: string): void {
  mkdirSync(join(top, name));
  writeFileSync(join(top, name, 'server.js'), `// ${name}`);
}

test('a generation keeps the release that the symbolic link meant when it was pinned', (t) => {
  const top = folder(t);
  release(top, 'one');
  release(top, 'two');
  symlinkSync('one', join(top, 'current'));
  const generations = new Generations();
  generations.pin(1, program(join(top, 'current')));
  symlinkSync('two', join(top, 'next'));
  renameSync(join(top, 'next'), join(top, 'current'));
  generations.pin(2, program(join(top, 'current')));

  assert.equal(generations.get(1)?.entry, join(top, 'one/server.js'));
  assert.equal(generations.get(1)?.cwd, join(top, 'one'));
  assert.equal(generations.get(2)?.entry, join(top, 'two/server.js'));

  generations.copy(3, 1);
  assert.equal(generations.get(3)?.entry, join(top, 'one/server.js'));
  assert.equal(generations.get(3)?.number, 3);
  generations.unpin(1);
  assert.deepEqual(generations.numbers(), [2, 3]);
  assert.ok('problem' in generations.copy(4, 1));
});

test('files that were overwritten in place are noticed, new releases beside them are not', async (t) => {
  const top = folder(t);
  release(top, 'one');
  mkdirSync(join(top, 'one/lib'));
  writeFileSync(join(top, 'one/package.json'), '{}');
  writeFileSync(join(top, 'one/lib/helper.js'), 'a');
  const generations = new Generations();
  generations.pin(1, program(join(top, 'one')));
  assert.equal(await generations.changedInPlace(1), false);

  release(top, 'two');
  mkdirSync(join(top, 'one/node_modules'));
  writeFileSync(join(top, 'one/node_modules/x.js'), 'x');
  writeFileSync(join(top, 'one/data.db'), 'x');
  assert.equal(await generations.changedInPlace(1), false);

  writeFileSync(join(top, 'one/lib/helper.js'), 'abc');
  assert.equal(await generations.changedInPlace(1), true);
  // What is pinned now is what is there now.
  generations.pin(2, program(join(top, 'one')));
  assert.equal(await generations.changedInPlace(2), false);
  assert.equal(await generations.changedInPlace(1), true);
});

test('an entry that was deleted has changed', async (t) => {
  const top = folder(t);
  release(top, 'one');
  const generations = new Generations();
  generations.pin(1, program(join(top, 'one')));
  await generations.changedInPlace(1);
  rmSync(join(top, 'one'), { recursive: true });
  assert.equal(await generations.changedInPlace(1), true);
});

test('an entry is found as node finds it', (t) => {
  const top = folder(t);
  mkdirSync(join(top, 'app/dist'), { recursive: true });
  mkdirSync(join(top, 'plain'));
  mkdirSync(join(top, 'empty'));
  writeFileSync(join(top, 'app/package.json'), '{"main":"dist/main"}');
  writeFileSync(join(top, 'app/dist/main.js'), '');
  writeFileSync(join(top, 'plain/index.js'), '');
  writeFileSync(join(top, 'server.js'), '');
  writeFileSync(join(top, 'typed.ts'), '');

  assert.deepEqual(resolveEntry('server', top), { path: join(top, 'server.js') });
  assert.deepEqual(resolveEntry('typed.ts', top), { path: join(top, 'typed.ts') });
  assert.deepEqual(resolveEntry('app', top), { path: join(top, 'app/dist/main.js') });
  assert.deepEqual(resolveEntry('plain', top), { path: join(top, 'plain/index.js') });
  assert.deepEqual(resolveEntry('.', join(top, 'plain')), { path: join(top, 'plain/index.js') });
  assert.match(JSON.stringify(resolveEntry('empty', top)), /no package\.json with/);
  assert.match(JSON.stringify(resolveEntry('missing.js', top)), /there is no file/);
});

test('an entry that may not be read is refused', { skip: process.getuid?.() === 0 }, (t) => {
  const top = folder(t);
  writeFileSync(join(top, 'server.js'), '');
  chmodSync(join(top, 'server.js'), 0);
  assert.match(JSON.stringify(resolveEntry('server.js', top)), /cannot be read/);
});
