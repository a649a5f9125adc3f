// Promise: the supervisor of a single worker may be killed at the moment in which one worker takes the place of another: one of them accepts, and
// no request is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { startPuppet } from '../support/puppet.ts';

/** As puppet.cjs has it: the new one may accept, and the old one drains. */
const kills = ['one sent NODE_TUTTI_ADMIT one', 'one sent NODE_TUTTI_DRAIN one'];

test('a kill of the supervisor while its only worker is replaced loses nothing', async () => {
  await using cli = await openCli();
  const puppet = await startPuppet(cli, '-i', '1', '--drain-timeout', '2s');
  await using load = await startLoad({ port: cli.port, keepAlive: 8, fresh: 4 });
  for (const order of kills) {
    const { pid } = await cli.snapshot('web');
    puppet.order(order);
    await cli.run(['reload', 'web']);
    await puppet.obeyed();
    await eventually(`another supervisor with its worker after: ${order}`, async () => {
      const next = await cli.snapshot('web');
      return next.pid !== pid && next.workers.length === 1 && next.workers[0]?.state === 'ready';
    });
    await load.more(50);
    assert.equal(load.failed, 0, `requests were lost by: ${order}\n${cli.logs()}`);
  }
  assertNothingLost(await load.stop(), kills.length * 50);
});
