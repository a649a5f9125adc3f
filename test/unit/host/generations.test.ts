import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Generations, type Program } from '../../../src/host/code/generations.ts';

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
    account: null,
    node: null,
    balance: 'least-connections',
    transfer: 'idle',
    keepAliveMs: null,
    replay: { mode: 'safe', except: [] },
    nodeVersion: process.version,
    ready: 'listening',
    compileCache: true,
    end: { stopSignal: 'SIGTERM', shutdownMessage: false, drainTimeoutMs: 20_000, stopTimeoutMs: 3000 },
    instanceVar: 'NODE_APP_INSTANCE',
    incrementVar: null,
  };
}

function release(top: string, name: string): void {
  mkdirSync(join(top, name));
  writeFileSync(join(top, name, 'server.js'), `// ${name}`);
}

test('a generation keeps its program, and can be kept under another number too', (t) => {
  const top = folder(t);
  release(top, 'one');
  release(top, 'two');
  const generations = new Generations();
  generations.pin(1, program(join(top, 'one')));
  generations.pin(2, program(join(top, 'two')));
  assert.equal(generations.get(1)?.entry, join(top, 'one/server.js'));

  assert.equal(generations.copy(3, 1)?.entry, join(top, 'one/server.js'));
  assert.equal(generations.get(3)?.number, 3);
  generations.unpin(1);
  assert.deepEqual(generations.numbers(), [2, 3]);
  assert.equal(generations.copy(4, 1), null);
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

test('a changed configuration of tutti is no changed code', async (t) => {
  const top = folder(t);
  release(top, 'one');
  const generations = new Generations();
  for (const name of ['tutti.config.ts', 'ecosystem.config.cjs']) {
    writeFileSync(join(top, 'one', name), 'before');
    generations.pin(1, program(join(top, 'one')));
    assert.equal(await generations.changedInPlace(1), false);
    writeFileSync(join(top, 'one', name), 'afterwards');
    assert.equal(await generations.changedInPlace(1), false, name);
  }
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
