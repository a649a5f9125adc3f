// The primary of a whole app dies: all its workers end, whatever they were in the middle of, and the app can be started again.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startLoad } from '../support/load.ts';
import { accepts, type Rig, startRig } from '../support/rig.ts';

const quick = { 'drain-timeout': '2s', 'stop-timeout': '2s' };

async function killPrimary(rig: Rig): Promise<void> {
  await rig.end('SIGKILL');
}

async function allGone(rig: Rig): Promise<void> {
  await eventually('no process left', () => rig.processes().length === 0);
  assert.equal(await accepts(rig.port), false, 'the port is still open');
}

describe('when the primary dies', () => {
  it('workers end also if a connection was on its way through it', async () => {
    await using rig = await startRig({ fixture: 'passes-on.cjs', flags: { workers: 3, ...quick } });
    // A stopped primary takes nothing: Node waits for its word, and tells nobody that the channel is closed.
    rig.signal('SIGSTOP');
    for (let i = 0; i < 12; i += 1) assert.equal((await rig.fetch('/pass')).body, 'passed on\n');
    await killPrimary(rig);
    await allGone(rig);
  });

  it('workers end also under load, with connections being evened out', async () => {
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 3, ...quick } });
    await using load = await startLoad({ port: rig.port, keepAlive: 25, fresh: 25, timeoutMs: 2000 });
    await load.reached(300);
    rig.signal('SIGSTOP');
    await load.more(1000);
    await killPrimary(rig);
    await allGone(rig);
  });
});
