// What a change of the limits, throttling and memory that runs out make the app do and say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sizing } from '../../../src/app/automation/sizing.ts';
import { Throttled } from '../../../src/app/automation/throttled.ts';
import type { LoadedApp } from '../../../src/config/app.ts';
import { type Allowance, autoWorkers } from '../../../src/config/sizing.ts';
import { sentence } from '../../../src/logs/own/sentences.ts';
import type { SupervisorEvent } from '../../../src/supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../../../src/supervisor/vocabulary/inputs.ts';

const MIB = 2 ** 20;

function sizing(first: Partial<Allowance>, config: { nodeArgs?: string[]; auto?: boolean } = {}) {
  const state = {
    limits: { cpus: 2, allCpus: 4, quota: { cpus: 1.5, from: 'cpu.max' }, memoryBytes: null, ...first } as Allowance,
    readings: { throttling: null, memory: null, kills: 0 } as ReturnType<
      NonNullable<ConstructorParameters<typeof Sizing>[2]>
    >,
  };
  const told: (SupervisorInput | string)[] = [];
  const { nodeArgs = [], auto = true } = config;
  const app = {
    config: { workers: { min: 2, max: 2 }, surge: 1, nodeArgs },
    sources: {},
    limits: () => state.limits,
    recount: auto ? (limits: Allowance) => ({ min: autoWorkers(limits, 1), max: autoWorkers(limits, 1) }) : null,
  } as unknown as LoadedApp;
  const one = new Sizing(
    {
      app: () => app,
      dispatch: (input) => told.push(input),
      notice: (level, message) => told.push(`${level}: ${message}`),
      report: (event: SupervisorEvent) => told.push(sentence(event).text),
    },
    app,
    () => state.readings,
  );
  return { one, told, state };
}

test('the start is explained in one line, and each worker has its heap', () => {
  const { one, told } = sizing({ memoryBytes: 512 * MIB });
  one.tell(undefined);
  assert.deepEqual(told, ['info: cpu.max 1.5 → 2 workers; 512 MiB → 152 MiB heap each']);
  assert.equal(one.heapMib([], undefined), 152);
  assert.equal(one.heapMib(['--max-old-space-size=99'], undefined), null);
  assert.equal(one.heapMib([], '--max_old_space_size=99'), null);
  one.event({ type: 'scaled', from: 2, to: 3, reason: 'a command' });
  assert.equal(one.heapMib([], undefined), 85);
});

test('without limits nothing is said, and Node decides', () => {
  const { one, told } = sizing({ quota: null });
  one.tell(undefined);
  assert.deepEqual(told, []);
  assert.equal(one.heapMib([], undefined), null);
});

test('limits that change are followed while the app runs, not while it starts or reloads', () => {
  const { one, told, state } = sizing({ memoryBytes: 1024 * MIB });
  state.limits = { ...state.limits, cpus: 1, quota: { cpus: 0.5, from: 'cpu.max' }, memoryBytes: 512 * MIB };
  one.look();
  assert.deepEqual(told, []);
  one.event({ type: 'state', state: 'running' });
  one.look();
  one.look();
  const reason = 'cpu.max is 0.5 now, the memory limit is 512 MiB now';
  assert.deepEqual(told, [
    { type: 'resized', workers: { min: 1, max: 1 }, reason },
    `info: ${reason}: 512 MiB → 352 MiB heap, for workers that start from now on`,
  ]);
  told.length = 0;
  one.event({ type: 'reload-done', generation: 2, ms: 1 });
  one.look();
  one.look();
  assert.deepEqual(told, [{ type: 'resized', workers: { min: 1, max: 1 }, reason: 'the configuration changed' }]);
});

test('the core hears of memory only where the kernel would end everything', () => {
  const { one, told, state } = sizing({});
  const at = (share: number, endsAll: boolean) => {
    told.length = 0;
    state.readings = { throttling: null, kills: 0, memory: { limitBytes: 1000, usedBytes: 1000 * share, endsAll } };
    one.look();
    return told.length;
  };
  assert.equal(at(0.84, true), 0);
  assert.equal(at(0.95, false), 0);
  assert.equal(at(0.85, true), 1);
  assert.deepEqual(told, [{ type: 'memory-pressure', usedBytes: 850, limitBytes: 1000 }]);
});

test('kills by the kernel are told as they come', () => {
  const { one, told, state } = sizing({});
  const kills = (count: number) => {
    state.readings = {
      ...state.readings,
      kills: count,
      memory: { limitBytes: 512 * MIB, usedBytes: 1, endsAll: false },
    };
    one.look();
  };
  kills(0);
  kills(1);
  kills(1);
  kills(3);
  assert.deepEqual(told, [
    'the kernel killed a process of this container: its memory limit of 512 MiB was reached',
    'the kernel killed 2 processes of this container: its memory limit of 512 MiB was reached',
  ]);
});

test('throttling is told when it takes a quarter of a minute, and not again for ten minutes', () => {
  const throttled = new Throttled();
  const said: { share: number; seconds: number }[] = [];
  let now = { periods: 0, throttled: 0, seconds: 0 };
  const minutes = (count: number, share: number) => {
    for (let look = 0; look < count * 30; look += 1) {
      now = { periods: now.periods + 20, throttled: now.throttled + 20 * share, seconds: now.seconds + share };
      const word = throttled.next(now);
      if (word !== null) said.push(word);
    }
  };
  minutes(3, 0.2);
  assert.equal(said.length, 0);
  minutes(5, 0.5);
  assert.equal(said.length, 1);
  assert.ok((said[0]?.share ?? 0) >= 0.25);
  minutes(12, 0.5);
  assert.equal(said.length, 2);
  assert.equal(throttled.next(null), null);
});
