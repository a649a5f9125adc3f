import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceManager, statusLine } from '../../../src/app/service-manager.ts';
import type { EventName, TimedEvent } from '../../../src/app/supervision.ts';
import type { Message } from '../../../src/host/service/notify-socket.ts';
import type { Snapshot, WorkerSnapshot } from '../../../src/supervisor/picture/snapshot.ts';

const worker = (slot: number | null, generation: number, state: WorkerSnapshot['state'] = 'ready') =>
  ({ slot, generation, state, pid: 100 }) as WorkerSnapshot;

const picture = (more: Partial<Snapshot> = {}) =>
  ({
    state: 'running',
    target: 2,
    generation: 1,
    stopWithinMs: 28_000,
    workers: [worker(0, 1), worker(1, 1)],
    reload: { state: 'idle' },
    ...more,
  }) as Snapshot;

/** A manager over an app that the test plays. */
function play(watchdogMs: number | null = null, predecessorGone: Promise<void> | null = null) {
  const told: Message[] = [];
  let snapshot = picture();
  let hear: (event: TimedEvent) => void = () => {};
  let end: (stopped: { code: number; reason: string }) => void = () => {};
  const supervision = {
    on(_type: EventName, listener: (event: never) => void) {
      hear = listener as typeof hear;
      return this as never;
    },
    snapshot: () => snapshot,
    stopped: new Promise<{ code: number; reason: string }>((kept) => {
      end = kept;
    }),
  };
  const socket = { send: async (message: Message) => void told.push(message) };
  const manager = new ServiceManager(supervision, {
    socket,
    watchdogMs,
    monotonicMicros: () => 42n,
    forSuccessor: {},
    predecessorGone,
  });
  const event = (event: object, next: Partial<Snapshot> = {}) => {
    snapshot = picture(next);
    hear({ at: '', ...event } as TimedEvent);
  };
  return { manager, told, event, end };
}

test('a reload is begun and over for the service manager, whatever came of it', () => {
  const { told, event } = play();
  event({ type: 'state', state: 'running' });
  event({ type: 'state', state: 'reloading' }, { state: 'reloading' });
  event({ type: 'reload-failed', reason: 'boom\nat line 3', superseded: false }, { state: 'reloading' });
  event({ type: 'state', state: 'running' });
  assert.deepEqual(told, [
    { READY: '1', STATUS: '2 of 2 workers ready, generation 1' },
    { RELOADING: '1', MONOTONIC_USEC: '42', STATUS: 'reloading: 2 of 2 workers ready' },
    { READY: '1', STATUS: told[2]?.STATUS },
  ]);
  assert.match(told[2]?.STATUS ?? '', /^2 of 2 workers ready, generation 1; the last reload failed: boom.*at line 3$/);
});

test('a reload that takes the place of another is told by a younger sign', () => {
  const { told, event } = play();
  event({ type: 'state', state: 'running' });
  event({ type: 'state', state: 'reloading' }, { state: 'reloading' });
  event({ type: 'reload-started', generation: 3 }, { state: 'reloading' });
  assert.equal(told.filter((message) => 'RELOADING' in message).length, 2);
});

test('after the stop has begun nothing says that it is ready', () => {
  const { told, event } = play();
  event({ type: 'state', state: 'running' });
  event({ type: 'state', state: 'stopping' }, { state: 'stopping' });
  event({ type: 'state', state: 'running' });
  assert.deepEqual(told.at(-1), {
    STOPPING: '1',
    EXTEND_TIMEOUT_USEC: '33000000',
    STATUS: 'stopping: finishing what is under way',
  });
});

test('a sign of life goes out twice in the time of the watchdog, and while it starts the time is extended', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const { told, event } = play(30_000);
  t.mock.timers.tick(60_000);
  assert.equal(told.filter((message) => message.WATCHDOG === '1').length, 4);
  assert.equal(told.filter((message) => message.EXTEND_TIMEOUT_USEC === '60000000').length, 3);
  event({ type: 'state', state: 'running' });
  told.length = 0;
  t.mock.timers.tick(60_000);
  assert.equal(told.filter((message) => 'EXTEND_TIMEOUT_USEC' in message).length, 0);
});

test('the line is told once a second at most, and only when it says something new', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const { told, event } = play();
  event({ type: 'state', state: 'running' });
  told.length = 0;
  for (let n = 0; n < 5; n += 1) event({ type: 'worker-exit' }, { workers: [worker(0, 1)] });
  t.mock.timers.tick(1_000);
  event({ type: 'worker-restart' }, { workers: [worker(0, 1)] });
  t.mock.timers.tick(5_000);
  assert.deepEqual(told, [{ STATUS: '1 of 2 workers ready, generation 1' }]);
});

test('who has handed over says nothing more, not even that it ends', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const { manager, told, event, end } = play(30_000);
  event({ type: 'state', state: 'running' });
  told.length = 0;
  await manager.handOver(4711);
  event({ type: 'state', state: 'stopping' }, { state: 'stopping' });
  end({ code: 0, reason: 'handed over' });
  t.mock.timers.tick(60_000);
  assert.deepEqual(told, [{ MAINPID: '4711' }]);
});

test('who has taken over says that it is ready, and is the main process once more when its parent is gone', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  let go = (): void => {};
  const { told } = play(null, new Promise<void>((gone) => (go = gone)));
  t.mock.timers.tick(60_000);
  const ready = { READY: '1', STATUS: '2 of 2 workers ready, generation 1' };
  assert.deepEqual(told, [ready]);
  go();
  await new Promise(setImmediate);
  assert.deepEqual(told, [ready, { MAINPID: '100' }, { MAINPID: String(process.pid) }]);
});

test('a failed end leaves its reason in the line', async () => {
  const { told, end } = play();
  end({ code: 3, reason: 'server.js never became ready:\nboom' });
  await Promise.resolve();
  await Promise.resolve();
  assert.match(told.at(-1)?.STATUS ?? '', /^ended with exit code 3: server\.js never became ready:/);
});

test('the line says how far a reload is', () => {
  const reload = { state: 'rolling', generation: 2 } as Snapshot['reload'];
  const workers = [worker(0, 2), worker(1, 1), worker(1, 2, 'starting'), worker(null, 2, 'spare')];
  assert.equal(
    statusLine(picture({ state: 'reloading', reload, workers }), null),
    'reloading to generation 2: 1 of 2 workers are new',
  );
});
