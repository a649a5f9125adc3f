// An application under the preload behaves as under plain node.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { privateBytes } from '../support/processes.ts';
import { endWorkers, fixture, RigWorker, type WorkerOptions } from '../support/worker-rig.ts';

afterEach(endWorkers);

interface End {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function underPreload(options: WorkerOptions): Promise<End & { worker: RigWorker }> {
  const worker = new RigWorker(options);
  const { code } = await worker.input('worker-exit');
  return { code, stdout: worker.stdout, stderr: worker.stderr, worker };
}

function underNode({ entry, args = [], nodeArgs = [], env = {} }: WorkerOptions): End {
  const all = { ...process.env, PORT: '0', ...env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, entry, ...args], {
    env: all,
    timeout: 20_000,
  });
  return { code: status, stdout: String(stdout), stderr: String(stderr) };
}

describe('an application under the preload', () => {
  it('sees the same arguments, environment, modules and listeners (CommonJS)', async () => {
    const options = { entry: fixture('reports.cjs'), args: ['--a', 'b c'], nodeArgs: ['--no-deprecation'] };
    const plain = JSON.parse(underNode(options).stdout);
    const { stdout, worker } = await underPreload(options);
    assert.deepEqual(JSON.parse(stdout), plain);
    assert.equal(worker.has('worker-started'), true);
  });

  it('sees itself as the main module (ESM)', async () => {
    const options = { entry: fixture('reports.mjs'), args: ['x'] };
    const plain = JSON.parse(underNode(options).stdout);
    const { stdout } = await underPreload(options);
    assert.deepEqual(JSON.parse(stdout), plain);
    assert.equal(plain.guard, true);
  });

  it('passes nothing on to its threads and processes', async () => {
    const { stdout } = await underPreload({ entry: fixture('thread.cjs'), nodeArgs: ['--no-deprecation'] });
    assert.equal(stdout, 'thread ["--no-deprecation"] \nforked ["--no-deprecation"] \n');
  });

  it('may have as many listeners as under plain node', async () => {
    const options = { entry: fixture('many-listeners.cjs') };
    assert.equal(underNode(options).stderr, '');
    const { code, stderr } = await underPreload(options);
    assert.deepEqual([code, stderr], [0, '']);
  });

  for (const [what, name, ...args] of [
    ['runs to its end', 'exits-0.cjs'],
    ['calls process.exit(7)', 'ends.cjs', 'exit'],
    ['rejects unhandled', 'ends.cjs', 'reject'],
    ['sets its exit code', 'ends.cjs', 'exit code'],
    ['handles its own uncaught exceptions', 'ends.cjs', 'handler'],
    ['has a syntax error', 'broken/syntax-error.cjs'],
    ['has a syntax error in a module', 'broken/syntax-error.mjs'],
    ['throws', 'throws-on-boot.cjs'],
    ['rejects in a top-level await', 'tla-rejects.mjs'],
    ['never settles its top-level await', 'tla-hangs.mjs'],
  ] as const) {
    it(`ends as under plain node when it ${what}`, async () => {
      const options = { entry: fixture(name), args };
      const plain = underNode(options);
      const { code, stdout, stderr } = await underPreload(options);
      assert.equal(code, plain.code);
      assert.equal(stdout, plain.stdout);
      assert.equal(withoutLocations(stderr), withoutLocations(plain.stderr));
    });
  }

  it('tells the primary why it died, and keeps what it wrote last', async () => {
    const { worker } = await underPreload({ entry: fixture('last-words.cjs') });
    const { code, lastWords } = await worker.input('worker-exit');
    assert.equal(code, 1);
    assert.match(lastWords.error ?? '', /^Error: the reason\n {4}at /);
    assert.equal(lastWords.stderr.length, 20);
    assert.equal(lastWords.stderr.at(-1), 'line 30');
  });

  it('tells why it did not start', async () => {
    for (const [name, reason] of [
      ['broken/syntax-error.cjs', /SyntaxError/],
      ['broken/syntax-error.mjs', /SyntaxError/],
      ['tla-rejects.mjs', /Error: rejected at the top/],
    ] as const) {
      const { worker } = await underPreload({ entry: fixture(name) });
      const { lastWords } = await worker.input('worker-exit');
      assert.match(lastWords.error ?? '', reason);
      assert.equal(worker.has('worker-started'), false, name);
    }
  });

  it('counts as started while a top-level await goes on for ever', async () => {
    const worker = new RigWorker({ entry: fixture('tla-loops.mjs') });
    await worker.input('worker-started');
    assert.equal(worker.has('worker-exit'), false);
  });

  it('costs at most 3 MB of memory above a worker of node:cluster', async () => {
    const entry = fixture('hello.cjs');
    // Whether V8 doubles its space for young objects at some moment is chance, and more than what is measured.
    const nodeArgs = ['--max-semi-space-size=1'];
    cluster.setupPrimary({ exec: entry, args: [], execArgv: nodeArgs, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const bare = cluster.fork({ PORT: '0' });
    try {
      const [, { port }] = (await once(cluster, 'listening')) as [Worker, AddressInfo];
      const worker = new RigWorker({ entry, nodeArgs });
      const url = `http://127.0.0.1:${await worker.port()}`;
      // What a worker holds that has served and not only started.
      for (let i = 0; i < 200; i++) {
        await (await fetch(url)).text();
        await (await fetch(`http://127.0.0.1:${port}`)).text();
      }
      const more = privateBytes(worker.pid) - privateBytes(bare.process.pid as number);
      assert.ok(more < 3 * 1024 * 1024, `${more} bytes`);
    } finally {
      bare.process.kill('SIGKILL');
      await once(bare, 'exit');
    }
  });

  it('can say that it is ready, and hears none of our messages', async () => {
    const worker = new RigWorker({ entry: fixture('says-ready-hears.cjs') });
    await worker.input('worker-said-ready');
    await worker.port();
    worker.send({ cmd: 'NODE_TUTTI_ADMIT', slot: 0 });
    await eventually('it lives', () => worker.beats.length > 3);
    assert.equal(worker.stdout, '');
  });
});

/** Stack frames name Node's own source lines, which are other ones where something is wrapped around them. */
function withoutLocations(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('    at '))
    .join('\n');
}
