import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitedLine } from '../../../src/cli/awaited.ts';
import type { Snapshot, WorkerSnapshot } from '../../../src/supervisor/picture/snapshot.ts';

const config = { ready: 'listening', probe: null, startTimeoutMs: 30_000 } as const;
const worker = (state: WorkerSnapshot['state'], pid: number | null = 7): WorkerSnapshot =>
  ({ slot: 0, pid, state }) as WorkerSnapshot;
const listener = {} as Snapshot['listeners'][number];
const starting = { state: 'starting', workers: [worker('starting')], listeners: [] } as const;

for (const [what, snapshot, more, expected] of [
  [
    'a program that does not listen',
    starting,
    {},
    /^worker 0 \(pid 7\) runs, and listens on no port yet; tutti waits up to 30 s .*: --ready started$/,
  ],
  ['one that is to say ready', starting, { ready: 'message' }, /has not said process\.send\('ready'\) yet/],
  ['one whose main module hangs', starting, { ready: 'started' }, /main module has not come to its end/],
  [
    'one that fails its probe',
    { ...starting, listeners: [listener] },
    { probe: '/up' },
    /has not answered \/up well yet/,
  ],
  ['one that listens', { ...starting, listeners: [listener] }, {}, null],
  ['one that is ready', { ...starting, workers: [worker('ready'), worker('starting')] }, {}, null],
  ['one that keeps dying', { ...starting, workers: [worker('backoff', null)] }, {}, null],
  ['one that has begun', { ...starting, state: 'running' }, {}, null],
] as const) {
  test(`what is said of ${what}`, () => {
    const line = awaitedLine(snapshot, { ...config, ...more });
    if (expected === null) assert.equal(line, null);
    else assert.match(line ?? '', expected);
  });
}
