// The request counters are those of the clients, whatever happens to the workers: what a worker counted outlives it, killed or not, but for
// the last 10 ms in which the loop of a killed one turned.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { times } from '../support/form.ts';
import { startLoad } from '../support/load.ts';
import { type Rig, startRig } from '../support/rig.ts';

const NAME = 'counted';
const WORKERS = 3;
const KEEP_ALIVE = 8;
const FRESH = 4;

/** GET /metrics through the control socket. */
function scrape(rig: Rig): Promise<string> {
  const socketPath = join(rig.environment().TUTTI_HOME as string, 'run', `${NAME}.sock`);
  return new Promise((done, failed) => {
    const sent = request({ socketPath, path: '/metrics' }, (response) => {
      let page = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        page += text;
      });
      response.once('end', () => (response.statusCode === 200 ? done(page) : failed(new Error(page))));
    });
    sent.once('error', failed).end();
  });
}

function sumOf(page: string, name: string, label = ''): number {
  let sum = 0;
  for (const line of page.split('\n')) {
    const [, found, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found === name && labels.includes(label)) sum += Number(value);
  }
  return sum;
}

test('counted exactly through kills and replacements, but for what was in flight on a killed worker', async () => {
  const restarts = times({ short: 15, default: 30, long: 300 });
  const requests = times({ short: 2_500, default: 5_000, long: 20_000 });
  const flags = { name: NAME, workers: WORKERS, 'drain-timeout': '5s' };
  await using rig = await startRig({ fixture: 'hello.cjs', flags });
  await using load = await startLoad({ port: rig.port, keepAlive: KEEP_ALIVE, fresh: FRESH });
  let kills = 0;
  for (let i = 0; i < restarts; i += 1) {
    const [pid = 0] = rig.ready();
    const from = rig.events.length;
    // Every third ends as gently as `kill <worker>` does.
    const signal = i % 3 === 2 ? 'SIGTERM' : 'SIGKILL';
    if (signal === 'SIGKILL') kills += 1;
    process.kill(pid, signal);
    await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === pid, { from });
    await rig.untilReady(WORKERS);
    await load.reached(Math.floor((requests * (i + 1)) / restarts));
  }
  const { ok, failures } = await load.stop();
  assert.ok(ok >= requests);
  const answered = (page: string) => sumOf(page, 'tutti_http_requests_total', 'status="2xx"');
  // In the last moment of a killed worker each of its clients may have got an answer that was not noted yet. Measured: 1.4 a kill.
  await eventually(
    `${ok} answers to be counted, but for ${kills} kills`,
    async () => answered(await scrape(rig)) >= ok - (kills * (KEEP_ALIVE + FRESH)) / WORKERS,
  );
  let page = '';
  let counted = -1;
  await eventually('nothing more to be counted', async () => {
    if (counted === answered(page)) return true;
    counted = answered(page);
    await delay(1_200);
    page = await scrape(rig);
    return false;
  });
  // A worker may have noted an answer that its client never got.
  assert.ok(counted <= ok + failures.length, `${counted} counted, ${ok} answered, ${failures.length} lost`);
  assert.equal(sumOf(page, 'tutti_http_request_duration_seconds_count'), counted);
});

test('what stood in the counters before a SIGKILL stands there after it, without any heartbeat', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { name: NAME, workers: 1 } });
  const answered = async () => sumOf(await scrape(rig), 'tutti_http_requests_total', 'status="2xx"');
  let asked = 0;
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 7; i += 1) assert.equal((await rig.fetch('/')).status, 200);
    asked += 7;
    // A heartbeat may come between, but hardly in all rounds.
    await eventually('all to be counted', async () => (await answered()) === asked);
    const [pid = 0] = rig.ready();
    const from = rig.events.length;
    process.kill(pid, 'SIGKILL');
    await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === pid, { from });
    assert.equal(await answered(), asked);
    await rig.untilReady(1);
  }
});
