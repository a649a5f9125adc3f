// The trace of the core's inputs: a core that is taken through it again decides the same, and nothing stands in it that was the program's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrace, replayRun } from '../../scripts/trace-runs.ts';
import { Trace } from '../../src/app/core/trace.ts';
import type { Action } from '../../src/supervisor/vocabulary/actions.ts';
import { defaultPolicy, World } from './supervisor/fake-world.ts';

/** A world whose core is traced into `lines`. */
function tracedWorld(): { world: World; lines: string[] } {
  const world = new World({ spares: 1 }, 7);
  const lines: string[] = [];
  const out = { write: (line: string) => lines.push(line), close: async () => undefined };
  const { supervisor } = world;
  // A whole configuration has more than the rules of the core.
  const policy = { ...defaultPolicy, spares: 1, probe: null, env: { PASSWORD: 'hunter2' } };
  const options = { name: 'app', policy, generation1: { entry: '/app/1/server.js' }, parallelStarts: 64 };
  const trace = new Trace(out, '1.2.3', options, world, supervisor.startedAt);
  const { dispatch, start } = supervisor;
  supervisor.dispatch = (input) => trace.during(input, () => dispatch.call(supervisor, input));
  supervisor.start = () => trace.during(null, () => start.call(supervisor));
  return { world, lines };
}

/** What a worker said before it died is not in a trace. */
function unspoken(actions: readonly Action[]): unknown {
  return JSON.parse(JSON.stringify(actions, (key, value) => (key === 'lastLines' ? undefined : value)));
}

test('a replay decides the same: deaths with their backoff, want of memory, reloads, a rollback, a stop', () => {
  const { world, lines } = tracedWorld();
  world.start().run(1_000);
  world.room = { freeBytes: 10e6, workerBytes: 60e6 };
  world.command({ type: 'reload' });
  world.run(2_000);
  world.room = null;
  world.run(20_000);
  world.behave = () => ({ bootMs: null, exitAfterMs: 30 });
  for (const process of [...world.processes.values()]) world.die(process);
  world.run(30_000);
  world.command({ type: 'rollback' });
  world.behave = () => ({});
  world.run(30_000);
  world.command({ type: 'stop' });
  world.run(10_000);
  assert.ok(world.exit);
  const texts = lines.join('');
  assert.match(texts, /"random":\[0\./);
  assert.match(texts, /"room":\[\{"freeBytes":10000000/);
  const [run, ...more] = readTrace(texts);
  assert.ok(run);
  assert.deepEqual(more, []);
  const actions: { at: number; action: Action }[] = [];
  replayRun(run, (turn) => {
    for (const action of turn.actions) actions.push({ at: turn.now, action });
  });
  assert.ok(actions.length > 100);
  assert.deepEqual(unspoken(actions.map(({ action }) => action)), unspoken(world.actions.map(({ action }) => action)));
  assert.deepEqual(
    actions.map(({ at }) => at),
    world.actions.map(({ at }) => at),
  );
});

test('nothing that the program said, was asked or was given stands in it', () => {
  const { world, lines } = tracedWorld();
  world.start().run(1_000);
  const [first, second] = world.serving();
  assert.ok(first && second);
  const secret = 'hunter2';
  const policy = { env: { PASSWORD: secret }, probe: `/health?token=${secret}`, surge: 2 } as object;
  world.send({ type: 'worker-probe', worker: first.id, ok: false, detail: secret });
  world.send({ type: 'worker-drained', worker: first.id, left: [secret], lasting: false });
  world.send({ type: 'generation-pinned', generation: 2, entry: '/x', policy, changedInPlace: false });
  world.send({ type: 'generation-refused', generation: 3, reason: secret });
  const request = { method: 'GET', path: `/${secret}`, ageMs: 5 };
  world.die(first, {
    code: 1,
    words: { error: `Error: ${secret}`, stderr: [secret], frame: [secret], requests: [request] },
  });
  world.send({ type: 'worker-faulty', worker: second.id, detail: secret });
  const text = lines.join('');
  assert.ok(
    !text.includes(secret),
    text.split('\n').find((line) => line.includes(secret)),
  );
  assert.match(text, /"policy":\{"probe":"\/health","surge":2\}/);
});

test('an input in which the core fails is in the trace', () => {
  const { world, lines } = tracedWorld();
  world.start();
  world.perform = () => {
    throw new Error('it breaks');
  };
  assert.throws(() => world.command({ type: 'stop' }), /it breaks/);
  assert.match(lines.at(-1) ?? '', /"input":\{"type":"stop"/);
});

test('what is no trace is refused with the line', () => {
  const { world, lines } = tracedWorld();
  world.start().run(1_000);
  const [head = '', start = ''] = lines;
  assert.throws(() => readTrace(''), /no run/);
  assert.throws(() => readTrace('# Changes\n'), /line 1: not JSON/);
  assert.throws(() => readTrace('{"name":"tutti"}\n'), /line 1: neither/);
  assert.throws(() => readTrace('null\n'), /line 1: neither/);
  assert.throws(() => readTrace(start), /line 1: .*first line is missing/);
  assert.throws(() => readTrace(head.replace('"trace":1', '"trace":2')), /form 2/);
  assert.throws(() => readTrace(`${head}{"dropped":3}\n${start}`), /line 2: 3 inputs are missing/);
  assert.equal(readTrace(`${head}${start}${start.slice(0, 20)}`)[0]?.lines.length, 1);
  assert.equal(readTrace(`${head}${start}${head}${start}`).length, 2);
});
