// The counters that operators rely on, against real workers: nothing is lost or counted twice when workers come and go.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startLoad } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.status, 200);
  return response.text();
}

/** The sum of all series of a metric whose labels contain all of these. */
function sumOf(page: string, name: string, ...labels: string[]): number {
  let sum = 0;
  for (const line of page.split('\n')) {
    const [, found, list = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found === name && labels.every((label) => list.includes(label))) sum += Number(value);
  }
  return sum;
}

test('requests are counted exactly through reloads, in every slot, and never go back', async () => {
  const admin = await freePort();
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2, admin } });
  await using load = await startLoad({ port: rig.port, keepAlive: 16, fresh: 4 });
  let before = 0;
  for (let reload = 0; reload < 3; reload += 1) {
    await load.more(200);
    assert.equal((await rig.reload()).type, 'reload-done');
    const now = sumOf(await scrape(admin), 'tutti_http_requests_total');
    assert.ok(now >= before, `${now} after ${before}`);
    before = now;
  }
  const { ok, failures } = await load.stop();
  assert.deepEqual(failures, []);

  let page = '';
  await eventually('the last heartbeats to be counted', async () => {
    page = await scrape(admin);
    return sumOf(page, 'tutti_http_requests_total') >= ok;
  });
  assert.equal(sumOf(page, 'tutti_http_requests_total', 'status="2xx"'), ok);
  assert.equal(sumOf(page, 'tutti_http_requests_total'), ok);
  assert.equal(sumOf(page, 'tutti_http_request_duration_seconds_count'), ok);
  assert.equal(sumOf(page, 'tutti_reloads_total', 'kind="reload"', 'result="done"'), 3);
  assert.equal(sumOf(page, 'tutti_worker_exits_total', 'reason="planned"'), 6);
  assert.equal(sumOf(page, 'tutti_worker_up'), 2);
  assert.doesNotMatch(page, /pid=/);
});

test('a crash takes no counts with it: the worker tells them before it ends', async () => {
  const admin = await freePort();
  await using rig = await startRig({ fixture: 'shop.cjs', flags: { workers: 2, admin } });
  for (let round = 1; round <= 3; round += 1) {
    for (let request = 0; request < 20; request += 1) assert.equal((await rig.fetch('/')).status, 200);
    const from = rig.events.length;
    await rig.fetch('/crash').catch(() => {});
    await rig.waitFor('worker-exit', { from });
    const page = await scrape(admin);
    // The other worker may still have what it counted since its last heartbeat.
    await eventually('all to be counted', async () => {
      return sumOf(await scrape(admin), 'tutti_http_requests_total', 'status="2xx"') === 20 * round;
    });
    assert.equal(sumOf(page, 'tutti_worker_exits_total', 'reason="crashed"'), round);
  }
});

test("the application's own metrics are those of all workers, of the dead and the hung ones too", async () => {
  const admin = await freePort();
  await using rig = await startRig({ fixture: 'prom-client.cjs', flags: { workers: 2, admin } });
  for (let hit = 0; hit < 30; hit += 1) await rig.fetch('/');
  let page = await scrape(admin);
  assert.equal(sumOf(page, 'app_hits_total', 'kind="page"'), 30);
  assert.equal(sumOf(page, 'app_seconds_bucket', 'le="1"'), 30);
  assert.equal(sumOf(page, 'app_workers'), 2);
  assert.equal(sumOf(page, 'app_highest'), Math.max(...rig.ready()));

  assert.equal((await rig.reload()).type, 'reload-done');
  for (let hit = 0; hit < 10; hit += 1) await rig.fetch('/');
  page = await scrape(admin);
  assert.equal(sumOf(page, 'app_hits_total'), 40);
  assert.equal(sumOf(page, 'app_workers'), 2);

  await rig.fetch('/block/2500');
  const asked = performance.now();
  page = await scrape(admin);
  assert.ok(performance.now() - asked < 2_000, 'a hung worker must not hold up the page');
  assert.equal(sumOf(page, 'app_hits_total'), 40);
  assert.equal(sumOf(page, 'tutti_worker_up'), 1);
  await eventually('the worker to answer again', async () => sumOf(await scrape(admin), 'tutti_worker_up') === 2);
});

test("the application's own counters survive reloads between two scrapes, and before the first one", async () => {
  const admin = await freePort();
  await using rig = await startRig({ fixture: 'prom-client.cjs', flags: { workers: 2, admin } });
  const hit = async (times: number): Promise<void> => {
    for (let each = 0; each < times; each += 1) await rig.fetch('/');
  };
  await hit(10);
  assert.equal((await rig.reload()).type, 'reload-done');
  await hit(10);
  assert.equal(sumOf(await scrape(admin), 'app_hits_total'), 20);
  for (let reload = 0; reload < 3; reload += 1) {
    await hit(10);
    assert.equal((await rig.reload()).type, 'reload-done');
  }
  assert.equal(sumOf(await scrape(admin), 'app_hits_total'), 50);
});
