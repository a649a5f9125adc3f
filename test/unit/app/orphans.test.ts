// What a killed supervisor has left written, read at another time: numbers of processes that were given out again, and another clock on
// the wall. The process of this test is the foreign one: a signal to it would end the test.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { orphanOrders } from '../../../src/app/orphans/orders.ts';
import { claimPlace, endOrphans, findLeftBehind, holdingPorts, stopOrphans } from '../../../src/app/orphans/orphans.ts';
import { surroundings } from '../../../src/app/surroundings.ts';
import { loadGiven } from '../../../src/config/app.ts';
import type { Config } from '../../../src/config/options.ts';
import { numberSpace } from '../../../src/host/process/process-identity.ts';
import { identityOf } from '../../../src/protocol/orphans/process-identity.ts';
import { systemMs } from '../../../src/protocol/scoreboard-layout.ts';

const HOUR_MS = 3_600_000;
const SERVE_MS = 600_000;
const home = mkdtempSync(join(tmpdir(), 'left-'));
after(() => rmSync(home, { recursive: true, force: true }));
const env = { TUTTI_HOME: home };
const folder = join(home, 'workers');
mkdirSync(folder, { mode: 0o700 });

const own = identityOf(process.pid);
assert.ok(own !== null);
/** Of another life of the same number. */
const foreign = { pid: own.pid, born: String(Number(own.born) - 1) };

function left(primary: object, workers: readonly object[], more: object = {}): void {
  const file = { ...more, schema: 1, name: 'web', host: 'here', space: numberSpace(), primary, workers };
  const times = { drainTimeoutMs: 0, stopTimeoutMs: 0, serveMs: SERVE_MS };
  writeFileSync(join(folder, `web.${own?.pid}.json`), JSON.stringify({ ...file, ...times }), { mode: 0o600 });
}

test('a process with the number of a dead supervisor or worker is none of the app, and is not signalled', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as { port: number };
    left(foreign, [foreign]);
    assert.deepEqual(findLeftBehind(env), { orphans: [], dead: [{ name: 'web', pid: own.pid, isBefore: false }] });
    assert.equal(await claimPlace(env, 'web', port), false);
    // As if it had taken the number after the look.
    const orphans = { name: 'web', primary: own.pid, workers: [foreign], hasGivenUp: false, serving: null };
    const times = { drainTimeoutMs: 0, stopTimeoutMs: 0, serveMs: SERVE_MS };
    assert.deepEqual(holdingPorts({ ...orphans, ...times }), []);
    for (const fast of [false, true]) {
      const end = await stopOrphans({ ...orphans, ...times }, { fast, mostMs: 1000 });
      assert.deepEqual(end, { killed: [], alive: [] });
    }
    await endOrphans(env, 'web', { tell: (message) => assert.fail(message), hurry: () => false });
    assert.deepEqual(findLeftBehind(env), { orphans: [], dead: [] });
  } finally {
    server.close();
  }
});

for (const hours of [-1, 1]) {
  test(`with the clock set by ${hours} h, it is known for how long orphans serve yet`, (context) => {
    left(foreign, [own]);
    const path = join(folder, `web.${own.pid}.since`);
    const at = systemMs(process.hrtime()) - 60_000;
    writeFileSync(path, JSON.stringify({ at, timeoutMs: SERVE_MS }), { mode: 0o600 });
    const now = Date.now() + hours * HOUR_MS;
    context.mock.timers.enable({ apis: ['Date'], now });
    const serving = findLeftBehind(env).orphans[0]?.serving ?? { since: 0, until: 0 };
    assert.ok(Math.abs(serving.until - (now + SERVE_MS - 60_000)) < 10_000, JSON.stringify(serving));
    assert.equal(serving.until - serving.since, SERVE_MS);
  });
}

test('orphans of a supervisor that was the fifteenth in a row give up; where an older tutti wrote no number they do not', () => {
  const givenUp = [{}, { revivals: 14 }, { revivals: 15 }].map((more) => {
    left(foreign, [own], more);
    return findLeftBehind(env).orphans[0]?.hasGivenUp;
  });
  assert.deepEqual(givenUp, [false, false, true]);
});

test('whoever asks for serve is told where nobody would start another supervisor', () => {
  const command = { node: 'node', args: [], cwd: '/', out: '/dev/null', err: '/dev/null', record: {} };
  writeFileSync(join(home, 'server.js'), '');
  const { config, sources } = loadGiven({ entry: 'server.js', orphan: 'serve' }, surroundings(home));
  const orders = (more: Partial<Config>) => {
    const said: string[] = [];
    const given = orphanOrders({ config: { ...config, ...more }, sources }, env, command, (text) => said.push(text));
    return { isRevived: given?.revival != null, said: said.length };
  };
  assert.deepEqual(orders({}), { isRevived: true, said: 0 });
  assert.deepEqual(orders({ user: 'www' }), { isRevived: false, said: 1 });
  assert.deepEqual(orders({ balance: 'round-robin' }), { isRevived: true, said: 1 });
});
