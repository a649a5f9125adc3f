// Promise: a supervisor whose table of descriptors is full ends nothing: it serves, answers, says what it cannot do, and does it when
// there is room again.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { Uneven } from '../support/uneven.ts';

// With ip-hash about every second connection is passed on, by way of the supervisor.
for (const balance of ['least-connections', 'ip-hash']) {
  test(`${balance}: a supervisor without a free descriptor serves on, and recovers`, async () => {
    const admin = await freePort();
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2, admin, balance } });
    await using load = await startLoad({ port: rig.port, keepAlive: 8, fresh: 2 });
    // One connection that stays: for a new one there is no room then.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const scrape = () => fetch({ port: admin, path: '/metrics', agent });
    assert.match((await scrape()).body, /^tutti_supervisor_resident_memory_bytes \d{7,}$/m);
    fillTable(rig);

    const page = await scrape();
    assert.equal(page.status, 200);
    assert.match(page.body, /^tutti_supervisor_resident_memory_bytes \d{7,}$/m);
    const failed = await rig.reload();
    assert.equal(failed.type, 'reload-failed');
    assert.match(String(failed.message), /EMFILE|too many open files/);
    await load.more(200);

    agent.destroy();
    limit(rig, 1024);
    assert.equal((await rig.reload()).type, 'reload-done');
    await load.more(200);
    assertNothingLost(await load.stop(), 400);
    // Of the canary that could not be started, if there was a descriptor for a report by then; of nobody who served.
    assert.deepEqual(
      rig.events.all('incident').filter(({ generation }) => generation !== failed.generation),
      [],
    );
  });
}

test('connections that it cannot take go on in their worker, which has given them away', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2 } });
  using clients = await Uneven.connect(rig.port);
  fillTable(rig);
  clients.tilt();
  // All the time in which they leave and come back.
  for (const end = performance.now() + 1500; performance.now() < end; ) {
    clients.ask();
    await eventually('every client has its answer', () => clients.waiting === 0, { deadlineMs: 2_000 });
  }
  limit(rig, 1024);
});

/** No descriptor is free any more. */
function fillTable(rig: Rig): void {
  limit(rig, readdirSync(`/proc/${rig.pid}/fd`).length);
}

function limit({ pid }: Rig, most: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]);
}
