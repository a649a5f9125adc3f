// Promise: a bad deploy does no harm. Under load, each kind of broken release is deployed; the old code goes on answering,
// the result says why, and what is restarted afterwards still is the old code.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { Releases } from '../support/releases.ts';
import { type Flags, startRig } from '../support/rig.ts';

interface BrokenDeploy {
  name: string;
  fixture: string;
  flags?: Flags;
  env?: Record<string, string>;
  /** What the reason, or the last lines of the worker, must say. */
  says: RegExp;
  lastLines?: RegExp;
}

const broken: BrokenDeploy[] = [
  {
    name: 'a syntax error',
    fixture: 'broken/syntax-error.cjs',
    says: /ended with code 1 before it was ready: SyntaxError/,
    lastLines: /SyntaxError/,
  },
  {
    name: 'a throw at boot',
    fixture: 'throws-on-boot.cjs',
    says: /ended with code 1 before it was ready: Error: boom on boot/,
    lastLines: /boom on boot/,
  },
  {
    name: 'a throw after listening',
    fixture: 'throws-after-listening.cjs',
    says: /ended with code 1 before it was ready: Error: boom after listening/,
    lastLines: /boom after listening/,
  },
  {
    name: 'a worker that never listens',
    fixture: 'never-listens.cjs',
    flags: { 'start-timeout': '2s' },
    says: /ready|listen/i,
    lastLines: /waiting for something/,
  },
  {
    name: 'a worker that dies 1 s after it is ready',
    fixture: 'dies-after-ready.cjs',
    flags: { 'canary-time': '3s' },
    env: { LIVE_MS: '1000' },
    says: /ended with code 1: Error: boom after ready/,
    lastLines: /boom after ready/,
  },
  {
    name: 'a probe that is answered 500',
    fixture: 'probe-500.cjs',
    flags: { probe: '/health', 'start-timeout': '5s' },
    says: /500/,
  },
  { name: 'a program that ends with 0', fixture: 'exits-0.cjs', says: /ended with code 0 before it was ready/ },
];

for (const { name, fixture, flags, env, says, lastLines } of broken) {
  test(`${name}: the old code goes on, and the result says why`, async () => {
    using releases = new Releases().deploy('1');
    await using rig = await startRig({
      fixture: releases.entry,
      flags: { 'canary-time': '500ms', ...flags },
      ...(env ? { env } : {}),
    });
    await using load = await startLoad({ port: rig.port, keepAlive: 16, fresh: 4 });
    releases.deploy('2', fixture);
    const result = await rig.reload();
    assert.equal(result.type, 'reload-failed', JSON.stringify(result));
    assert.equal(result.degraded, false);
    assert.match(String(result.reason), says);
    if (lastLines) assert.match((result.lastLines ?? []).join('\n'), lastLines);
    await rig.untilReady(2);

    // Who is restarted now comes back with the old code, although `current` points at the broken one.
    const [victim = 0] = rig.ready();
    const from = rig.events.length;
    const counts = await load.stop();
    assertNothingLost(counts, 1);
    assert.deepEqual(Object.keys(counts.byVersion), ['1']);
    process.kill(victim, 'SIGKILL');
    const back = await rig.waitFor('worker-ready', { from });
    assert.equal(back.generation, 1);
    assert.equal((await rig.fetch()).headers['x-version'], '1');
  });
}

test('an entry that is gone: refused before anything starts', async () => {
  using releases = new Releases().deploy('1');
  await using rig = await startRig({ fixture: releases.entry });
  await using load = await startLoad({ port: rig.port, keepAlive: 16, fresh: 4 });
  releases.write('2', 'hello.cjs').point('2').remove('2');
  const online = rig.events.all('worker-online').length;
  const result = await rig.reload();
  assert.equal(result.type, 'reload-failed');
  assert.match(String(result.reason), /server\.cjs/);
  assert.equal(rig.events.all('worker-online').length, online, 'no worker was started for it');
  await load.more(100);
  assertNothingLost(await load.stop());
});

test('a good deploy after a bad one is taken up', async () => {
  using releases = new Releases().deploy('1');
  await using rig = await startRig({ fixture: releases.entry });
  releases.deploy('2', 'throws-on-boot.cjs');
  assert.equal((await rig.reload()).type, 'reload-failed');
  releases.deploy('3');
  assert.equal((await rig.reload()).type, 'reload-done');
  assert.equal((await rig.fetch()).headers['x-version'], '3');
});
