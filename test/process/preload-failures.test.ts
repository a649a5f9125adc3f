// Promise: nothing of the preload throws into the application. Every call that it makes into the system fails here, one by one and all at
// once, with requests in flight: no worker dies of it, no request is lost, and the operator is told.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { createRequire } from 'node:module';
import { connect as connectTo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { binPath, nodePath, type Rig, root, startRig } from '../support/rig.ts';

const run = promisify(execFile);

/** What the wrapped calls of the preload have told, and which of them are to fail. */
class Calls implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tutti-calls-'));

  constructor(...failing: string[]) {
    this.fail(...failing);
  }

  fail(...names: string[]): void {
    rmSync(join(this.folder, 'failed'), { force: true });
    writeFileSync(join(this.folder, 'failing'), names.join('\n'));
  }

  seen(): string[] {
    return this.#read('seen');
  }

  failed(): string[] {
    return this.#read('failed');
  }

  start(flags: Record<string, string | number> = {}): Promise<Rig> {
    const wrapper = resolve(root, 'test/fixtures/failing-calls.cjs');
    return startRig({
      fixture: 'hello.cjs',
      flags: { name: 'fails', 'node-arg': `--require=${wrapper}`, ...flags },
      env: { CALLS: this.folder },
    });
  }

  #read(list: string): string[] {
    const path = join(this.folder, list);
    return existsSync(path) ? [...new Set(readFileSync(path, 'utf8').trim().split('\n'))] : [];
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function look(rig: Rig): Promise<void> {
  // It may fail; what it was asked of must not.
  await run(nodePath, [binPath, 'stack', 'fails', '--seconds', '0.1'], { env: rig.environment() }).catch(() => {});
}

/** Why this machine has no mount namespaces for us; false if it has. */
async function namespaces(): Promise<string | false> {
  return run('unshare', ['--mount', '--map-root-user', 'true']).then(
    () => false as const,
    (error: Error) => `no mount namespace: ${error.message.split('\n')[1] ?? error.message}`,
  );
}

function assertUnharmed(rig: Rig): void {
  const bad = rig.events.all('worker-exit').filter(({ reason }) => reason !== 'planned');
  assert.deepEqual(bad, [], rig.story());
  assert.deepEqual(rig.events.all('incident'), []);
}

const always = [
  ...['fs.openSync', 'fs.writeSync', 'fs.readSync', 'process.memoryUsage', 'process.cpuUsage', 'process.hrtime'],
  ...['performance.now', 'performance.eventLoopUtilization', 'v8.getHeapStatistics', 'inspector.url'],
  ...['inspector.Session', 'perf_hooks.monitorEventLoopDelay', 'perf_hooks.monitorEventLoopDelay.percentile'],
  'perf_hooks.PerformanceObserver',
];

test('each call that the preload makes fails while it serves, and all of them, and no request is lost', async () => {
  using calls = new Calls();
  const admin = await freePort();
  await using rig = await calls.start({ admin });
  await using load = await startLoad({ port: rig.port, keepAlive: 12, fresh: 4 });
  // All that it calls: while it starts, serves, is looked into, passes connections on and drains.
  await look(rig);
  await rig.reload();
  const names = calls.seen();
  assert.deepEqual(
    always.filter((name) => !names.includes(name)),
    [],
  );
  for (const name of names) {
    calls.fail(name);
    if (name.startsWith('inspector')) await look(rig);
    await load.more(100);
  }
  for (const name of ['process.memoryUsage', 'fs.readSync', 'fs.writeSync']) {
    calls.fail(name);
    await eventually(`${name} fails`, () => calls.failed().includes(name));
  }
  calls.fail('all');
  await look(rig);
  await eventually('a heartbeat fails', () => calls.failed().includes('process.memoryUsage'));
  await load.more(500);
  const page = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  const counts = [...page.matchAll(/^tutti_worker_preload_failures_total\{.*\} (\d+)$/gm)].map(([, count]) =>
    Number(count),
  );
  assert.ok(
    counts.some((count) => count > 10),
    page,
  );
  calls.fail();
  await load.more(100);
  assertNothingLost(await load.stop(), 1000);
  assertUnharmed(rig);
  const told = rig.events.all('notice').filter(({ message }) => /memoryUsage\(\)/.test(String(message)));
  // Once in a generation, however often and in however many workers.
  assert.equal(told.length, 1, rig.story());
  assert.match(
    String(told[0]?.message),
    /worker \d \(pid \d+\).*process\.memoryUsage\(\): EMFILE: too many open files/,
  );
});

test('workers whose preload can call nothing start, serve, are replaced and end', async () => {
  using calls = new Calls('all');
  await using rig = await calls.start();
  await using load = await startLoad({ port: rig.port, keepAlive: 12, fresh: 4 });
  await load.more(300);
  assert.equal((await rig.reload()).type, 'reload-done');
  await load.more(300);
  assertNothingLost(await load.stop(), 600);
  assertUnharmed(rig);
  assert.ok(calls.failed().length >= 10, calls.failed().join());
});

test('clients that keep their connection are served on while the table of descriptors is full', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2 } });
  await using load = await startLoad({ port: rig.port, keepAlive: 12, fresh: 0 });
  await load.more(100);
  for (const pid of rig.workers()) await run('prlimit', ['--pid', String(pid), '--nofile=64:64']);
  // Node closes what it has no descriptor for; there is no end of it.
  const crowd = new Set<Socket>();
  const join = (): void => {
    const socket = connectTo(rig.port, '127.0.0.1');
    crowd.add(socket.on('error', () => {}).on('close', () => crowd.delete(socket)));
  };
  const filling = setInterval(() => {
    for (let each = crowd.size; each < 150; each += 1) join();
  }, 50);
  try {
    await rig.waitFor(({ type, message }) => type === 'notice' && /EMFILE/.test(String(message)));
    await load.more(500);
  } finally {
    clearInterval(filling);
    for (const socket of crowd) socket.destroy();
  }
  assertNothingLost(await load.stop(), 600);
  assertUnharmed(rig);
});

test('where /proc cannot be read, workers serve, and are replaced', { skip: await namespaces() }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-no-proc-'));
  const node = join(folder, 'node');
  const inside = `mount -t tmpfs none /proc && exec '${nodePath}' "$@"`;
  writeFileSync(
    node,
    `#!/bin/sh\nexec unshare --mount --map-root-user sh -c '${inside.replaceAll("'", "'\\''")}' node "$@"\n`,
    {
      mode: 0o755,
    },
  );
  try {
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2, node } });
    await rig.waitFor(({ type, message }) => type === 'notice' && /memoryUsage\(\): ENOENT/.test(String(message)));
    assert.equal((await rig.reload()).type, 'reload-done');
    assert.equal((await rig.fetch('/')).status, 200);
    assertUnharmed(rig);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an application that replaces what tutti is made of is served, drained and told its end', async () => {
  await using rig = await startRig({ fixture: 'replaces-builtins.cjs', flags: { workers: 2 } });
  await using load = await startLoad({ port: rig.port, keepAlive: 8, fresh: 2, path: '/', gets: true });
  await load.more(200);
  assert.equal((await rig.reload()).type, 'reload-done');
  await load.more(200);
  assertNothingLost(await load.stop(), 400);
  assertUnharmed(rig);
  assert.deepEqual(
    rig.events.all('notice').filter(({ level }) => level === 'warn'),
    [],
  );
});

test("an error in the application's own listeners is its own, as under plain node", async () => {
  for (const balance of ['least-connections', 'round-robin']) {
    await using rig = await startRig({ fixture: 'throws-in-listeners.cjs', flags: { workers: 1, balance } });
    for (let connection = 1; connection <= 5; connection += 1) {
      // One for listening, and one for each connection up to now.
      assert.equal((await rig.fetch('/')).body, String(1 + connection));
    }
    assertUnharmed(rig);
    assert.deepEqual(
      rig.events.all('notice').filter(({ level }) => level === 'warn'),
      [],
    );
  }
});

test("a registry of the application's that is old, broken or something else costs no worker", async () => {
  const admin = await freePort();
  await using rig = await startRig({ fixture: 'registries/server.cjs', flags: { workers: 2, admin } });
  const { answers } = createRequire(import.meta.url)('../fixtures/registries/prom-client/index.js') as {
    answers: number;
  };
  const hits: (string | undefined)[] = [];
  for (let scrape = 0; scrape < answers; scrape += 1) {
    const page = await fetch(`http://127.0.0.1:${admin}/metrics`);
    assert.equal(page.status, 200);
    hits.push(/^app_hits_total (\d+)$/m.exec(await page.text())?.[1]);
    assert.equal((await rig.fetch('/')).status, 200);
  }
  // The first answer is prom-client 12's; in the last one something of it can be used.
  assert.equal(hits[0], '6');
  assert.equal(hits.at(-1), '6');
  assert.equal((await rig.reload()).type, 'reload-done');
  assertUnharmed(rig);
});

test('an HTTP/2 session or stream that the application destroys at once costs no worker', async () => {
  await using rig = await startRig({ fixture: 'http2-refuses.cjs', flags: { workers: 1 } });
  for (let round = 0; round < 10; round += 1) {
    for (const path of ['/', '/refused', '/session']) await askOverHttp2(rig.port, path);
  }
  // Two sessions in a row: one of them is not refused.
  const answers = [await askOverHttp2(rig.port, '/'), await askOverHttp2(rig.port, '/')];
  assert.ok(answers.includes(String(rig.workers()[0])), answers.join());
  assert.equal((await rig.reload()).type, 'reload-done');
  assertUnharmed(rig);
});

/** What came back, or null if the server refused. */
async function askOverHttp2(port: number, path: string): Promise<string | null> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const stream = session.request({ ':path': path });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  stream.on('error', () => {});
  await new Promise((done) => stream.once('close', done));
  session.destroy();
  return text || null;
}
