// Promises: a hung worker is seen, explained and replaced; every bad end leaves a report that names the request and the reason.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Snapshot } from '../../src/supervisor/picture/snapshot.ts';
import type { Incident } from '../../src/supervisor/vocabulary/incident.ts';
import { fetch } from '../support/fetch.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { binPath, nodePath, type Rig, startRig } from '../support/rig.ts';

const NAME = 'under-test';

/** A request of its own, whose end does not matter. */
function send(rig: Rig, path: string): void {
  const sent = request({ port: rig.port, host: '127.0.0.1', path, agent: false });
  sent.on('error', () => {});
  sent.on('response', (response) => response.on('error', () => {}).resume());
  sent.end();
}

function controlSocket(rig: Rig): string {
  return join(rig.environment().TUTTI_HOME as string, 'run', `${NAME}.sock`);
}

function incidents(rig: Rig): Incident[] {
  const folder = join(rig.environment().TUTTI_HOME as string, 'incidents', NAME);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const path = join(folder, name);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      return JSON.parse(readFileSync(path, 'utf8'));
    });
}

test('a worker whose loop spins is replaced in time, and the report names the function and the request', async () => {
  const flags = { name: NAME, workers: 4, 'liveness-timeout': '6s', 'log-file': 'app.log', 'log-format': 'json' };
  await using rig = await startRig({ fixture: 'hangs.cjs', flags });
  await using load = await startLoad({ port: rig.port, keepAlive: 8, fresh: 2, gets: true });
  await load.more(500);
  await load.stop();
  const from = rig.events.length;
  const since = Date.now();
  send(rig, '/hang/42?secret=1');
  const suspect = await rig.waitFor('worker-suspect', { from });
  const { body } = await fetch({ socketPath: controlSocket(rig), path: '/v1/status' });
  const hung = (JSON.parse(body) as Snapshot).workers.find(({ pid }) => pid === suspect.pid);
  assert.equal(hung?.eventLoopUtilization, 1, 'as it is, not as it told last');
  // Its loop has turned since its last heartbeat, but not since the request; a heartbeat comes once a second.
  const delayMs = hung.eventLoopDelayP99Ms;
  const isTrue = delayMs >= Number(suspect.silentMs) - 1000 && delayMs <= Date.now() - since + 2000;
  assert.ok(isTrue && hung.cpuPercent > 5, JSON.stringify(hung));
  const incident = await rig.waitFor('incident', { from });
  const exit = await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === suspect.pid, { from });
  assert.equal(exit.reason, 'hung');
  assert.ok(Date.now() - since < 6000 + 2000 + 8000, `replaced after ${Date.now() - since} ms`);
  await rig.untilReady(4);
  assert.equal(incident.pid, suspect.pid);
  const [report] = incidents(rig);
  assert.ok(report);
  assert.equal(report.kind, 'hang');
  assert.equal(report.doing, 'spinning');
  assert.equal(report.stack?.[0]?.function, 'spinsForEver');
  assert.match(report.stack?.[0]?.file ?? '', /hangs\.cjs$/);
  assert.deepEqual(
    report.requests.map(({ method, path }) => `${method} ${path}`),
    ['GET /hang/42'],
  );
  assert.doesNotMatch(readFileSync(join(rig.dir, 'app.log'), 'utf8'), /Debugger|For help/);
  assert.match(report.summary, /blocked in spinsForEver\(\) at .*hangs\.cjs:\d+, while it served GET \/hang\/42/);
});

test('where nobody but the collector reads the stderr of workers no inspector is opened, and the report says why', async () => {
  const flags = { name: NAME, workers: 1, 'liveness-timeout': '6s', 'drain-timeout': '1s', 'stop-timeout': '1s' };
  await using rig = await startRig({ fixture: 'hangs.cjs', flags });
  send(rig, '/hang');
  await rig.waitFor('incident');
  const [report] = incidents(rig);
  assert.equal(report?.stack, null);
  assert.match(report?.noStack ?? '', /tutti does not read its stderr/);
  assert.equal(report?.doing, 'spinning');
  await rig.untilReady(1);
  assert.doesNotMatch(rig.stderr, /Debugger/);
});

test('a crash leaves a report with the error, the request and the exit; the third alike is called a poison request', async () => {
  await using rig = await startRig({ fixture: 'hangs.cjs', flags: { name: NAME } });
  for (let i = 1; i <= 3; i++) {
    const from = rig.events.length;
    send(rig, `/crash/${i}`);
    await rig.waitFor((event) => event.type === 'worker-exit' && event.reason !== 'planned', { from });
    await rig.untilReady(2);
  }
  await rig.waitFor(
    (event) => event.type === 'notice' && /poison request\? .*GET \/crash\/:id/.test(String(event.message)),
  );
  const reports = incidents(rig);
  assert.equal(reports.length, 1, 'the same end is counted, not told again');
  const [report] = reports;
  assert.ok(report);
  assert.equal(report.kind, 'crash');
  assert.equal(report.count, 3);
  assert.match(report.error ?? '', /Error: no such thing\n\s+at .*hangs\.cjs/);
  assert.deepEqual(report.exit?.code, 1);
  assert.match(report.requests[0]?.path ?? '', /^\/crash\/3$/);
  for (const end of [() => process.kill(rig.ready()[0] ?? 0, 'SIGKILL'), () => send(rig, '/crash/4')]) {
    const from = rig.events.length;
    end();
    await rig.waitFor((event) => event.type === 'worker-exit' && event.reason !== 'planned', { from });
    await rig.untilReady(2);
  }
  const { body } = await fetch({ socketPath: controlSocket(rig), path: '/v1/incidents' });
  const onPage = JSON.parse(body).incidents.map(({ kind }: Incident) => kind);
  assert.deepEqual(onPage, ['crash', 'kill'], 'what happened again is the last');
  assert.equal(lastDescribed(rig).id, report.id);
  await rig.end();
  assert.equal(lastDescribed(rig).count, 4, 'from the disk too');
});

function lastDescribed(rig: Rig): Incident {
  const args = [binPath, 'describe', NAME, '--incident', 'last', '--json'];
  return JSON.parse(execFileSync(nodePath, args, { env: rig.environment(), encoding: 'utf8' }));
}

test('workers whose primary slept are left alone', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { name: NAME, 'liveness-timeout': '6s' } });
  const before = rig.ready();
  rig.signal('SIGSTOP');
  const resumed = Date.now() + 9000;
  await new Promise<void>((resolve) => setTimeout(resolve, resumed - Date.now())); // the time itself is what is tested
  rig.signal('SIGCONT');
  await using load = await startLoad({ port: rig.port });
  await load.more(2000);
  assertNothingLost(await load.stop(), 2000);
  assert.deepEqual(rig.ready(), before);
  assert.deepEqual(rig.events.all('worker-exit'), []);
});
