import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Behaviour, World } from './fake-world.ts';

const lastWords = { stderr: [] };

test('the probe comes after the readiness fact, and the gate opens after the probe', () => {
  const world = new World({ probe: '/health' }).start().run(1_000);
  const order = world.actions.map(({ action }) => action.type).filter((type) => type === 'probe' || type === 'admit');
  assert.deepEqual(order, ['probe', 'probe', 'admit', 'admit']);
});

test('a probe that fails is asked again until startTimeout, and the verdict names it', () => {
  const world = new World({ probe: '/health', startTimeoutMs: 5_000, workers: { min: 1, max: 1 } });
  world.behave = () => ({ probe: false });
  world.start().run(6_000);
  assert.equal(world.serving().length, 0);
  assert.ok(world.actions.filter(({ action }) => action.type === 'probe').length > 5);
  assert.match(world.eventsOf('worker-exit')[0]?.detail ?? '', /its probe failed: it answered 500 within 5000 ms/);
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'never-ready');
});

test('an application that warms up passes its probe later', () => {
  const world = new World({ probe: '/health', workers: { min: 1, max: 1 } });
  world.behave = () => ({ probe: false });
  world.start().run(2_000);
  for (const process of world.processes.values()) process.behaviour.probe = true;
  world.run(1_000);
  assert.equal(world.serving().length, 1);
});

test('ready: message waits for the message, ready: started for the end of the main module', () => {
  for (const [ready, fact] of [
    ['message', 'worker-said-ready'],
    ['started', 'worker-started'],
  ] as const) {
    const world = new World({ ready, workers: { min: 1, max: 1 } });
    world.behave = () => ({ bootMs: null });
    world.start().run(100);
    world.send({ type: 'worker-listening', worker: 1, listeners: [] });
    assert.equal(world.serving().length, 0);
    world.send({ type: fact, worker: 1 });
    assert.equal(world.serving().length, 1);
  }
});

test('inputs of unknown and dead workers do nothing, and an exit may come before online', () => {
  const world = new World({ workers: { min: 1, max: 1 } });
  world.behave = ({ nth }) => (nth === 1 ? { bootMs: null } : {});
  world.start();
  world.processes.clear();
  world.send({ type: 'worker-exit', worker: 1, code: 1, signal: null, lastWords });
  const before = world.actions.length;
  world.send({ type: 'worker-online', worker: 1, pid: 7 });
  world.send({ type: 'worker-listening', worker: 1, listeners: [] });
  world.send({ type: 'worker-exit', worker: 1, code: 1, signal: null, lastWords });
  world.send({ type: 'worker-probe', worker: 99, ok: true, detail: '' });
  world.send({ type: 'worker-drained', worker: 99, left: [], lasting: false });
  world.send({ type: 'worker-autopsy', worker: 99, incident: null });
  assert.equal(world.actions.length, before);
  world.run(2_000);
  assert.equal(world.serving().length, 1);
});

test('a syntax error is told by its name, not by the place that Node prints before it', () => {
  const world = new World({ workers: { min: 1, max: 1 } });
  world.behave = () => ({ bootMs: null });
  world.start();
  world.processes.clear();
  const error = `/app/server.js:1\noops oops\n     ^^^^\n\nSyntaxError: Unexpected identifier 'oops'\n    at compile`;
  world.send({ type: 'worker-exit', worker: 1, code: 1, signal: null, lastWords: { stderr: [], error } });
  assert.equal(
    world.eventsOf('worker-exit')[0]?.detail,
    "ended with code 1 before it was ready: SyntaxError: Unexpected identifier 'oops'",
  );
});

test('one TERM for one worker: replacement first, then drained, and it counts as no failure', () => {
  const world = new World().start().run(3_000);
  const old = world.inSlot(0);
  let least = 2;
  world.watch = () => {
    least = Math.min(least, world.serving().length);
  };
  world.send({ type: 'worker-signalled', worker: old.id, signal: 'SIGTERM' });
  world.run(500);
  assert.equal(least, 2);
  assert.ok(!world.processes.has(old.id));
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'planned');
  assert.equal(world.eventsOf('worker-restart').length, 0);
});

test('a slow drain is ended by SIGTERM, then by SIGKILL, and told as timed out', () => {
  const stuck: Partial<Behaviour> = { drainMs: null, stopMs: null };
  const world = new World({ workers: { min: 1, max: 1 } });
  world.behave = ({ nth }) => (nth === 1 ? stuck : {});
  world.start().run(1_000);
  const id = world.command({ type: 'recycle', slot: 0 });
  world.run(30_000);
  const steps = world.actions.filter(({ action }) => ['drain', 'terminate', 'kill'].includes(action.type));
  assert.deepEqual(
    steps.map(({ action }) => action.type),
    ['drain', 'terminate', 'kill'],
  );
  const [drain, terminate, kill] = steps.map(({ at }) => at);
  assert.equal((terminate ?? 0) - (drain ?? 0), 25_500);
  assert.equal((kill ?? 0) - (terminate ?? 0), 3_000);
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'timed-out');
  assert.equal(world.answer(id).outcome, 'done');
});

test('connections that a drain left are told, and it does not count as success', () => {
  const world = new World({ workers: { min: 1, max: 1 } });
  world.behave = ({ nth }) => (nth === 1 ? { drainMs: null } : {});
  world.start().run(1_000);
  const old = world.inSlot(0);
  world.command({ type: 'recycle', slot: 0 });
  world.run(500);
  world.send({ type: 'worker-drained', worker: old.id, left: ['GET /slow'], lasting: false });
  world.run(100);
  assert.deepEqual(world.eventsOf('worker-drained')[0]?.left, ['GET /slow']);
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'timed-out');
});
