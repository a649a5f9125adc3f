// Promise: whichever of the two supervisors of an upgrade is killed, and at whatever step of the hand-over, one supervisor serves afterwards with its
// own workers and no others, and no request is lost or refused. Every step and side: npm run test:process -- upgrade-kills --form=long.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { form } from '../support/form.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { processInfo } from '../support/processes.ts';
import { startPuppet } from '../support/puppet.ts';

/** What happens in a hand-over, in this order, as puppet.cjs calls it. */
const steps = [
  'next sends ready',
  'next sent ready',
  'old hears ready',
  // Its doors are closed.
  'old sends offered',
  'old sent offered',
  'next hears offered',
  // Its doors are open, and its workers accept beside the others.
  'next sends taken',
  'next sent taken',
  'old hears taken',
  // Its workers have ended.
  'old sends counted',
  'old sent counted',
];
const every = steps.flatMap((step) => ['old', 'next'].map((victim) => `${step} ${victim}`));
/** Those that were lost once, and one at either end. */
const sharp = ['old sent offered old', 'next sends taken next', 'next sent taken next'];
const kills = { short: sharp, default: ['old hears ready old', ...sharp, 'old sends counted next'], long: every };

test('a kill of either supervisor at any step of the hand-over leaves one, and loses nothing', async () => {
  await using cli = await openCli();
  const puppet = await startPuppet(cli, '-i', '2', '--drain-timeout', '2s');
  await using load = await startLoad({ port: cli.port, keepAlive: 8, fresh: 4 });
  for (const order of kills[form]) {
    puppet.order(order);
    await cli.run(['upgrade', 'web']);
    await puppet.obeyed();
    await settled(cli, order);
    await load.more(50);
    assert.equal(load.failed, 0, `requests were lost by: ${order}`);
  }
  assertNothingLost(await load.stop(), kills[form].length * 50);
});

test('a command between two supervisors waits for the next one, and says nothing wrong', async () => {
  await using cli = await openCli();
  const puppet = await startPuppet(cli, '-i', '1');
  puppet.order('next hears offered next SIGSTOP');
  const upgrade = cli.begin(['upgrade', 'web']);
  await eventually('nobody has the control socket', () => !existsSync(join(cli.home, 'run', 'web.sock')));
  const commands = [
    ['status', 'web', '--json'],
    ['reload', 'web'],
    ['start', cli.fixture('hello.cjs'), '-n', 'web'],
  ];
  const begun = commands.map((args) => cli.begin(args));
  // Long enough to look for it; a slower one waits for less, that is all.
  await Promise.race([delay(1000), ...begun.map(({ finished }) => finished)]);
  const next = cli.processes().find((pid) => processInfo(pid)?.state === 'T');
  process.kill(next ?? 0, 'SIGCONT');
  const [status, reload, start] = await Promise.all(begun.map(({ finished }) => finished));
  assert.equal((await upgrade.finished).code, 0);
  assert.equal(status?.code, 0, status?.stdout);
  assert.equal(JSON.parse(status?.stdout ?? '').pid, next);
  assert.equal(reload?.code, 0, reload?.stderr);
  assert.equal(start?.code, 6, 'it runs already');
});

/** One supervisor and its two workers, and no other. */
async function settled(cli: Cli, order: string): Promise<void> {
  await eventually(`one supervisor with its workers after: ${order}`, async () => {
    const { pid, workers } = await cli.snapshot('web');
    const known = [pid, ...workers.map((worker) => worker.pid)];
    const others = cli.processes().filter((one) => !known.includes(one));
    const left = others.map((one) => `${one} ${processInfo(one)?.command}`);
    assert.deepEqual(
      left.filter((one) => /background\.js|hello\.cjs/.test(one)),
      [],
      cli.logs(),
    );
    return workers.length === 2 && workers.every(({ state }) => state === 'ready');
  });
}
