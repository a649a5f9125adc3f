// Promise: a crash of one worker loses the connections that it had accepted, and nothing else; and while all are dead, the
// kernel holds the clients until one is back.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { times } from '../support/form.ts';
import { type LoadResult, startLoad, summary } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

/** A client learns of it at once; its process may have to wait for a core. */
const LEARN_MS = 1_000;
/** Two clocks of one machine, read in two processes. */
const CLOCK_MS = 50;

/**
 * Only cut connections, each of a process that was killed, and cut by that kill: the request waited then, or was sent before the client
 * could know. Where nobody knows who had it, it was waiting while one was killed. `killed`: when. `arrivals`: what arrivals.cjs wrote down.
 */
function assertOnlyVictims(result: LoadResult, killed: Map<number, number>, arrivals = ''): void {
  const came = arrivals.split('\n').map((line) => line.split(' ').map(Number));
  const codes = summary(result);
  assert.equal(codes.ECONNREFUSED ?? 0, 0, `refused: ${JSON.stringify(codes)}`);
  assert.equal(
    result.hung,
    0,
    `hung: ${JSON.stringify(result.failures.filter(({ code }) => code === 'hung').slice(0, 5))}`,
  );
  for (const failure of result.failures) {
    assert.match(failure.code, /^(ECONNRESET|EPIPE|closed)$/, JSON.stringify(failure));
    // Whoever answered last may have given the connection to a sibling since.
    const end = failure.atMs + failure.afterMs;
    const pid = came.findLast(([at = 0, , port]) => port === failure.clientPort && at <= end)?.[1] ?? failure.pid;
    const byKill = [...killed].some(
      ([victim, at]) =>
        (pid === null || victim === pid) &&
        at <= end + CLOCK_MS &&
        at >= failure.atMs - (pid === null ? CLOCK_MS : LEARN_MS),
    );
    assert.ok(byKill, `of ${pid}, by no kill: ${JSON.stringify(failure)}`);
  }
}

for (const balance of ['kernel', 'round-robin', 'least-connections']) {
  test(`SIGKILL of a random worker every 200 ms (${balance}): only the victim's connections fail`, async () => {
    const workers = 4;
    const kills = times({ short: 15, default: 30, long: 100 });
    await using rig = await startRig({
      fixture: 'arrivals.cjs',
      env: { ARRIVALS: 'arrivals' },
      flags: { workers, balance },
    });
    await using load = await startLoad({ port: rig.port });
    const killed = new Map<number, number>();
    for (let i = 0; i < kills; i += 1) {
      const ready = rig.ready().filter((pid) => !killed.has(pid));
      const victim = ready[Math.floor(Math.random() * ready.length)];
      if (victim !== undefined) {
        killed.set(victim, Date.now());
        process.kill(victim, 'SIGKILL');
      }
      await delay(200);
    }
    await rig.untilReady(workers);
    await load.more(1_000);
    const result = await load.stop();
    assertOnlyVictims(result, killed, readFileSync(`${rig.dir}/arrivals`, 'utf8'));
    assert.ok(killed.size >= kills / 2, 'enough workers were killed');
    // 60 clients over 4 workers: 15 each, and more where one has just died.
    const cost = result.failures.length / killed.size;
    assert.ok(cost <= 30, `${cost.toFixed(1)} failures by each kill`);
    assert.ok(result.ok > 1_000);
  });
}

for (const balance of ['kernel', 'round-robin', 'least-connections']) {
  test(`SIGKILL of all workers at once, again and again (${balance}): no client is refused`, async () => {
    const rounds = times({ short: 5, default: 10, long: 20 });
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { balance } });
    await using load = await startLoad({ port: rig.port, keepAlive: 20, fresh: 10 });
    const killed = new Map<number, number>();
    for (let i = 0; i < rounds; i += 1) {
      const all = rig.workers();
      for (const pid of all) {
        killed.set(pid, Date.now());
        process.kill(pid, 'SIGKILL');
      }
      for (const victim of all) await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === victim);
      await rig.untilReady(2);
      await load.more(50);
    }
    assertOnlyVictims(await load.stop(), killed);
  });
}

test('all workers dead for longer than holdTimeout: the port closes, and opens again with the next ready worker', async () => {
  await using rig = await startRig({
    fixture: 'cursed.cjs',
    env: { CURSE: 'curse' },
    flags: { 'hold-timeout': '1s', 'give-up': 'never' },
  });
  writeFileSync(`${rig.dir}/curse`, '');
  for (const pid of rig.workers()) process.kill(pid, 'SIGKILL');
  await rig.waitFor('ports-closed');
  await assert.rejects(rig.fetch(), /ECONNREFUSED/);
  rmSync(`${rig.dir}/curse`);
  await rig.untilReady(2);
  assert.equal((await rig.fetch()).status, 200);
});
