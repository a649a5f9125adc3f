import assert from 'node:assert/strict';
import { test } from 'node:test';
import { earlyDelayMs, rationed, shakyDelayMs } from '../../../src/supervisor/decide/backoff.ts';
import { World } from './fake-world.ts';

test('the backoff doubles from 0.5 s to 30 s, jittered between half and all of it', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((deaths) => [earlyDelayMs(deaths, 0), earlyDelayMs(deaths, 1)]);
  assert.deepEqual(delays, [
    [250, 500],
    [500, 1_000],
    [1_000, 2_000],
    [2_000, 4_000],
    [4_000, 8_000],
    [8_000, 16_000],
    [15_000, 30_000],
    [15_000, 30_000],
    [15_000, 30_000],
  ]);
  assert.ok(shakyDelayMs(50, 2, 1) <= 1_000);
  assert.ok(shakyDelayMs(50, 64, 1) <= 30_000);
});

test('an early death waits by backoff, and 10 s of readiness forget it', () => {
  const world = new World({ workers: { min: 1, max: 1 } });
  world.behave = ({ nth }) => (nth <= 2 ? { exitAfterMs: 50, bootMs: null } : {});
  world.start().run(20_000);
  assert.equal(world.serving().length, 1);
  assert.deepEqual(
    world.eventsOf('worker-restart').map(({ earlyDeaths }) => earlyDeaths),
    [1, 2],
  );
  world.die(world.inSlot(0));
  assert.deepEqual(
    world.eventsOf('worker-restart').map(({ delayMs }) => delayMs > 0),
    [true, true, false],
  );
});

test('first boot: every slot fails three times, exit 3 with the reason', () => {
  const world = new World();
  world.behave = () => ({ exitAfterMs: 50, bootMs: null });
  world.start().run(20_000);
  assert.equal(world.exit?.code, 3);
  assert.match(world.exit?.reason ?? '', /no worker became ready: ended with code 1/);
  assert.ok(world.forks() <= 7);
});

test('first boot: every slot misses startTimeout, exit 3 without a second try', () => {
  const world = new World();
  world.behave = () => ({ bootMs: null });
  world.start().run(40_000);
  assert.equal(world.exit?.code, 3);
  assert.match(world.exit?.reason ?? '', /it did not listen within 30000 ms/);
  assert.equal(world.forks(), 2);
  assert.equal(world.processes.size, 0);
});

const missing = { error: "Error: Cannot find module 'express'\nRequire stack:\n- /app/1/server.js" };

test('first boot: what another try does not cure is not tried again', () => {
  for (const words of [missing, { explanation: 'listen EADDRINUSE: address already in use 127.0.0.1:8000' }]) {
    const world = new World({ workers: { min: 3, max: 3 } });
    world.behave = () => ({ bootMs: null });
    world.start().run(50);
    for (const process of [...world.processes.values()]) world.die(process, { code: 1, words });
    assert.equal(world.exit?.code, 3);
    assert.match(world.exit?.reason ?? '', /no worker became ready: ended with code 1 before it was ready: /);
    assert.equal(world.forks(), 3);
    assert.deepEqual(world.eventsOf('worker-restart'), []);
  }
});

test('first boot: those that stand still at the error of which the first has died are ended at once', () => {
  const world = new World({ workers: { min: 3, max: 3 } });
  world.behave = () => ({ bootMs: null });
  world.start().run(50);
  const [first, ...others] = [...world.processes.values()];
  assert.ok(first);
  for (const process of others) world.send({ type: 'worker-failing', worker: process.id });
  assert.ok(world.processes.size === 3, 'nobody has said why');
  world.die(first, { code: 1, words: missing });
  assert.deepEqual(
    others.map(({ ordered }) => ordered),
    ['kill', 'kill'],
  );
  world.run(10);
  assert.equal(world.exit?.code, 3);
  assert.deepEqual(
    world.eventsOf('worker-exit').map(({ reason }) => reason),
    ['never-ready', 'planned', 'planned'],
  );
});

test('first boot: what one worker dies of says nothing of those that still start, and it is tried again when one is ready', () => {
  const world = new World();
  world.behave = ({ nth }) => (nth === 1 ? { bootMs: null } : { bootMs: 3_000 });
  world.start().run(50);
  const [first] = world.processes.values();
  assert.ok(first);
  world.die(first, { code: 1, words: missing });
  world.run(2_500);
  assert.equal(world.forks(), 2, 'it waits for the other');
  world.run(4_000);
  assert.equal(world.exit, null);
  assert.equal(world.serving().length, 2);
});

test('later, what another try does not cure waits by backoff like any other failure', () => {
  const world = new World({ giveUpMs: 'never' }).start().run(20_000);
  const from = world.now();
  world.behave = () => ({ bootMs: null });
  for (const process of world.serving()) world.die(process, { code: 1, words: missing });
  for (let tick = 0; tick < 600; tick += 1) {
    world.run(100);
    for (const process of [...world.processes.values()]) world.die(process, { code: 1, words: missing });
  }
  const starts = world.forks(from);
  assert.ok(starts > 8 && starts <= 20, `${starts} starts in 60 s`);
  assert.equal(world.exit, null);
});

test('first boot: no exit while one slot works', () => {
  const world = new World();
  world.behave = ({ slot }) => (slot === 1 ? { exitAfterMs: 50, bootMs: null } : {});
  world.start().run(300_000);
  assert.equal(world.exit, null);
  assert.equal(world.serving().length, 1);
  assert.equal(world.supervisor.snapshot().circuit, 'open');
  assert.equal(world.eventsOf('slot-broken').length, 1);
  assert.equal(world.supervisor.snapshot().workers.find(({ slot }) => slot === 1)?.state, 'broken');
});

test('healthy, then a crash loop at boot: few starts, and back within 10 s of the cure', () => {
  const world = new World({ giveUpMs: 'never' }).start().run(20_000);
  const from = world.now();
  world.behave = () => ({ exitAfterMs: 100, bootMs: null });
  for (const process of world.serving()) world.die(process);
  world.run(60_000);
  assert.ok(world.forks(from) <= 20, `${world.forks(from)} starts in 60 s`);
  assert.equal(world.eventsOf('circuit').length, 1);
  world.behave = () => ({});
  world.run(10_000);
  assert.equal(world.serving().length, 2);
  assert.deepEqual(
    world.eventsOf('circuit').map(({ state }) => state),
    ['open', 'closed'],
  );
});

test('while the circuit is open and others are ready, one start every 30 s, and after the cure all are back', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(20_000);
  world.behave = () => ({ exitAfterMs: 100, bootMs: null });
  world.die(world.inSlot(1));
  world.die(world.inSlot(2));
  world.run(120_000);
  assert.equal(world.supervisor.snapshot().circuit, 'open');
  const from = world.now();
  world.run(300_000);
  assert.ok(Math.abs(world.forks(from) - 10) <= 1, `${world.forks(from)} starts in 5 minutes`);
  assert.equal(world.serving().length, 1);
  world.behave = () => ({});
  // The next start, and canaryTime, after which the other one follows.
  world.run(30_000 + 3_000);
  assert.equal(world.serving().length, 3);
});

test('a kill from outside counts for nothing and restarts at once, at most 5 times a second per slot', () => {
  const world = new World({ workers: { min: 1, max: 1 } });
  world.behave = () => ({ bootMs: 20 });
  world.start().run(100);
  for (let i = 0; i < 40; i += 1) {
    for (const process of world.serving()) world.die(process, { signal: 'SIGKILL' });
    world.run(50);
  }
  assert.equal(world.supervisor.snapshot().circuit, 'closed');
  assert.ok(world.forks() <= 12, `${world.forks()} starts in 2 s`);
  assert.ok(world.eventsOf('worker-restart').every(({ delayMs, earlyDeaths }) => delayMs === 0 && earlyDeaths === 0));
  world.run(1_000);
  assert.equal(world.serving().length, 1);
});

test('a kill by the kernel for want of memory is a crash', () => {
  const world = new World({ workers: { min: 1, max: 1 } }).start().run(1_000);
  world.die(world.inSlot(0), { signal: 'SIGKILL', words: { explanation: 'out of memory' } });
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'crashed');
  assert.equal(world.eventsOf('worker-restart')[0]?.earlyDeaths, 1);
});

test('one poison request a second against two proven workers does not stop the service', () => {
  const world = new World().start().run(15_000);
  let up = 0;
  for (let tick = 0; tick < 600; tick += 1) {
    const [victim] = world.serving();
    if (tick % 10 === 0 && victim !== undefined) world.die(victim, { code: 1 });
    world.run(100);
    if (world.serving().length > 0) up += 1;
  }
  assert.equal(world.supervisor.snapshot().circuit, 'closed');
  assert.ok(up > 540, `some worker was ready in ${up} of 600 ticks`);
});

test('ten starts after a death in service are free, then there is one a second', () => {
  const delays: number[] = [];
  let paidUntil = 0;
  let now = 5_000;
  for (let death = 0; death < 14; death += 1) {
    const ration = rationed(paidUntil, now);
    paidUntil = ration.paidUntil;
    delays.push(ration.delayMs);
    now += ration.delayMs;
  }
  assert.deepEqual(delays, [...Array.from({ length: 10 }, () => 0), 1_000, 1_000, 1_000, 1_000]);
  assert.equal(rationed(paidUntil, now + 60_000).delayMs, 0);
});

test('a worker that has served is replaced at once however young it was, without backoff and circuit', () => {
  const world = new World().start().run(500);
  let up = 0;
  for (let tick = 0; tick < 600; tick += 1) {
    for (const process of world.serving()) process.answers += 1;
    const [victim] = world.serving();
    if (tick % 10 === 0 && victim !== undefined) world.die(victim, { code: 1 });
    world.run(100);
    up += world.serving().length;
  }
  assert.equal(world.supervisor.snapshot().circuit, 'closed');
  // Each of 60 deaths costs the 100 ms of a boot.
  assert.ok(up > 2 * 600 - 130, `${up} of 1200 workers were ready`);
  assert.ok(world.eventsOf('worker-restart').every(({ delayMs, earlyDeaths }) => delayMs === 0 && earlyDeaths === 0));
});

test('workers that die as soon as they have served are started ten times at once, then once a second in each slot', () => {
  for (const spares of [0, 1]) {
    const world = new World({ spares }).start().run(500);
    world.watch = () => {
      for (const process of world.serving()) process.answers = 1;
    };
    const from = world.now();
    for (let tick = 0; tick < 1_200; tick += 1) {
      for (const process of world.serving()) if (process.answers > 0) world.die(process, { code: 1 });
      world.run(50);
    }
    const starts = world.forks(from);
    assert.ok(starts >= 100 && starts <= 2 * (10 + 60) + 1 + spares, `${starts} starts in 60 s`);
    assert.equal(world.supervisor.snapshot().circuit, 'closed');
    assert.match(JSON.stringify(world.eventsOf('worker-restart').at(-1)), /"delayMs":[1-9]/);
  }
});

test('one that a request kills before it has answered any is replaced at once while its siblings answer', () => {
  const requests = [{ method: 'GET', path: '/', ageMs: 1 }];
  for (const [siblingsAnswer, words, atOnce] of [
    [true, { requests }, true],
    [true, {}, false],
    [false, { requests }, false],
  ] as const) {
    const world = new World().start().run(500);
    if (siblingsAnswer) world.inSlot(0).answers = 1;
    world.run(1_000);
    for (let second = 0; second < 8; second += 1) {
      if (siblingsAnswer) world.inSlot(0).answers += 10;
      const victim = world.serving().find(({ slot }) => slot === 1);
      if (victim !== undefined) world.die(victim, { code: 1, words });
      world.run(1_000);
    }
    const restarts = world.eventsOf('worker-restart');
    assert.equal(
      restarts.every(({ delayMs, earlyDeaths }) => delayMs === 0 && earlyDeaths === 0),
      atOnce,
    );
  }
});

test('the circuit does not keep the place of one that has served', () => {
  const world = new World();
  world.behave = ({ slot }) => (slot === 1 ? { exitAfterMs: 50, bootMs: null } : {});
  world.start().run(300_000);
  assert.equal(world.supervisor.snapshot().circuit, 'open');
  for (let times = 0; times < 5; times += 1) {
    const victim = world.inSlot(0);
    victim.answers = 1;
    world.die(victim, { code: 1 });
    world.run(300);
    assert.notEqual(world.inSlot(0).id, victim.id);
  }
});

test('a new generation whose workers die young fails its reload, also when they have served', () => {
  const world = new World({ workers: { min: 3, max: 3 }, canaryTimeMs: 0, reloadFailures: 1 }).start().run(15_000);
  world.watch = () => {
    for (const process of world.serving()) {
      process.answers = 1;
      if (process.generation === 2) world.after(50, () => world.die(process, { code: 1 }));
    }
  };
  const id = world.command({ type: 'reload' });
  world.run(10_000);
  assert.equal(world.answer(id).outcome, 'failed');
  assert.ok(world.serving().every(({ generation }) => generation === 1));
});

test('a death in service is no failure of a rollback', () => {
  const world = new World({ workers: { min: 3, max: 3 }, canaryTimeMs: 0, reloadFailures: 0 }).start().run(15_000);
  world.behave = ({ generation, nth }) =>
    generation === 2 && nth > 4 ? { bootMs: null, exitAfterMs: 50 } : { bootMs: 500 };
  const id = world.command({ type: 'reload' });
  for (let tick = 0; tick < 80; tick += 1) {
    world.run(100);
    const old = world.serving().find(({ generation }) => generation === 1);
    if (old === undefined || world.supervisor.snapshot().reload.state !== 'rolling-back') continue;
    old.answers = 1;
    world.die(old, { code: 1 });
  }
  world.watch = () => undefined;
  world.run(10_000);
  assert.equal(world.answer(id).outcome, 'failed');
  assert.equal(world.serving().length, 3);
});

test('healthy once, none ready for 60 s: exit 75, or stay with giveUp: never', () => {
  for (const giveUpMs of [60_000, 'never'] as const) {
    const world = new World({ giveUpMs }).start().run(20_000);
    world.behave = () => ({ exitAfterMs: 100, bootMs: null });
    for (const process of world.serving()) world.die(process);
    world.run(65_000);
    assert.equal(world.exit?.code, giveUpMs === 'never' ? undefined : 75);
    world.run(300_000);
    assert.equal(world.exit?.code, giveUpMs === 'never' ? undefined : 75);
  }
});

test('with no worker ready for holdTimeout the ports are closed, once', () => {
  const world = new World({ workers: { min: 1, max: 1 } }).start().run(20_000);
  const closings = () => world.actions.filter(({ action }) => action.type === 'close-ports').length;
  world.behave = () => ({ exitAfterMs: 100, bootMs: null });
  world.die(world.inSlot(0));
  world.run(9_000);
  assert.equal(closings(), 0);
  world.run(20_000);
  assert.equal(closings(), 1);
  world.behave = () => ({});
  world.run(20_000);
  assert.equal(world.serving().length, 1);
  world.behave = () => ({ exitAfterMs: 100, bootMs: null });
  world.die(world.inSlot(0));
  world.run(11_000);
  assert.equal(closings(), 2);
});

test('restart: on-failure rests after code 0, never rests after any end, and the primary leaves when all rest', () => {
  const cases = [
    { restart: 'on-failure', exitCode: 0, code: 0 },
    { restart: 'never', exitCode: 0, code: 0 },
    { restart: 'never', exitCode: 4, code: 1 },
  ] as const;
  for (const { restart, exitCode, code } of cases) {
    const world = new World({ restart, ready: 'started' });
    world.behave = () => ({ exitAfterMs: 5_000, exitCode });
    world.start().run(10_000);
    assert.equal(world.exit?.code, code);
    assert.equal(world.forks(), 2);
  }
});

test('restart: never and never ready: exit 3; on-failure restarts what failed', () => {
  const never = new World({ restart: 'never' });
  never.behave = () => ({ exitAfterMs: 50, bootMs: null });
  never.start().run(1_000);
  assert.equal(never.exit?.code, 3);

  const world = new World({ restart: 'on-failure', workers: { min: 1, max: 1 } });
  world.behave = ({ nth }) => ({ exitAfterMs: 12_000, exitCode: nth === 1 ? 1 : 0 });
  world.start().run(30_000);
  assert.equal(world.forks(), 2);
  assert.equal(world.exit?.code, 0);
});

test('restart: always restarts a program that ended with 0', () => {
  const world = new World({ ready: 'started' });
  world.behave = () => ({ exitAfterMs: 12_000, exitCode: 0 });
  world.start().run(30_000);
  assert.equal(world.exit, null);
  assert.ok(world.forks() >= 6);
});

test('an exit code that says "done" ends a slot', () => {
  const world = new World({ stopExitCodes: [9] });
  world.behave = () => ({ exitAfterMs: 500, exitCode: 9 });
  world.start().run(5_000);
  assert.equal(world.exit?.code, 0);
});

test('a process that SIGKILL cannot end does not hold its slot for ever', () => {
  const world = new World({ workers: { min: 1, max: 1 }, startTimeoutMs: 5_000, giveUpMs: 'never' })
    .start()
    .run(20_000);
  world.behave = ({ nth }) => (nth === 2 ? { bootMs: null, stopMs: null, unkillable: true } : {});
  world.die(world.inSlot(0));
  world.run(15_000);
  assert.equal(world.serving().length, 1);
  assert.equal(world.processes.size, 2);
  assert.equal(world.eventsOf('notice').length, 1);
  world.command({ type: 'stop' });
  world.run(10_000);
  assert.equal(world.exit?.code, 0);
});
