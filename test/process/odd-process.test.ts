// An application may do to its process object what it likes: tutti needs some of it, and does without.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

for (const what of ['frozen', 'without listeners']) {
  test(`${what}: it becomes ready, reloads lose no request, and it stops as told`, async () => {
    await using rig = await startRig({ fixture: 'odd-process.cjs', args: [what] });
    await using load = await startLoad({ port: rig.port, keepAlive: 6, fresh: 2 });
    await load.more(20);
    for (let i = 0; i < 2; i += 1) assert.equal((await rig.reload()).type, 'reload-done');
    assertNothingLost(await load.stop(), 20);
    const exits = rig.events.all('worker-exit').map(({ reason }) => reason);
    assert.deepEqual(new Set(exits), new Set(['planned']));
    assert.deepEqual(await rig.end(), { code: 0, signal: null });
  });
}
