// What a worker says is looked at before it is believed: what workers really say passes, and everything else is refused with a reason.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import { kinds, problemOf } from '../../../src/protocol/checks.ts';
import type { Heartbeat, ToPrimary } from '../../../src/protocol/messages.ts';

const beat: Heartbeat = {
  rssBytes: 1,
  heapUsedBytes: 1,
  cpuUserMicros: 1,
  cpuPercent: 1,
  cpuSystemMicros: 1,
  eventLoopUtilization: 0.5,
  eventLoopDelayP99Ms: 0.1,
  connections: 0,
  activeRequests: 0,
  requestsTotal: 3,
  inspected: false,
  handlesUsr1: false,
};
const full: Heartbeat = {
  ...beat,
  extra: {
    status: [0, 0, 3, 0, 0, 0],
    latencyBuckets: { le: [1, 2], counts: [1, 2, 0] },
    latencySumMs: 4.5,
    transfers: { sent: 0, adopted: 0, refused: 0 },
    gc: { minor: { count: 1, ms: 0.4 } },
    heapTotalBytes: 5,
  },
};
const requests = [{ method: 'GET', path: '/a', ageMs: 1.5 }];

/** Of each kind what a worker may say, at its shortest and at its longest. */
const good: ToPrimary[] = [
  { cmd: 'NODE_TUTTI_HELLO', protocol: 1, selfTest: 'ok' },
  {
    ...{ cmd: 'NODE_TUTTI_LISTEN', seq: 1, address: null, port: 8080, addressType: 4, fd: null },
    ...{ flags: 0, backlog: null, index: 0 },
  },
  {
    ...{ cmd: 'NODE_TUTTI_LISTEN', seq: 2, address: '/run/a.sock', port: -1, addressType: -1, fd: 3 },
    ...{ flags: 4, backlog: 511, index: 1, readableAll: true, writableAll: true, data: { any: 'thing' } },
  },
  { cmd: 'NODE_TUTTI_COPY', seq: 1, key: 'k' },
  { cmd: 'NODE_TUTTI_CLOSE', key: 'k' },
  { cmd: 'NODE_TUTTI_SETTLE' },
  { cmd: 'NODE_TUTTI_PONG', id: 7 },
  { cmd: 'NODE_TUTTI_CLIENTS', address: null },
  { cmd: 'NODE_TUTTI_CLIENTS', address: '10.0.0.9' },
  { cmd: 'NODE_TUTTI_LISTENING', listeners: [] },
  {
    cmd: 'NODE_TUTTI_LISTENING',
    listeners: [
      { protocol: 'tcp', address: '::', port: 8080, scheme: 'https' },
      { protocol: 'unix', path: '/run/a.sock' },
    ],
  },
  { cmd: 'NODE_TUTTI_CLOSED', ending: true },
  { cmd: 'NODE_TUTTI_STARTED' },
  { cmd: 'NODE_TUTTI_READY' },
  { cmd: 'NODE_TUTTI_HEARTBEAT', beat },
  { cmd: 'NODE_TUTTI_HEARTBEAT', beat: full },
  { cmd: 'NODE_TUTTI_ALIVE' },
  { cmd: 'NODE_TUTTI_DRAINED', left: ['idle HTTP connection'], lasting: false },
  { cmd: 'NODE_TUTTI_INSPECTED', seq: 1, error: 'no' },
  {
    ...{ cmd: 'NODE_TUTTI_INSPECTED', seq: 1, requests },
    stacks: [{ share: 0.5, frames: [{ function: 'f', file: 'a.js', line: 1, column: 0 }] }],
  },
  { cmd: 'NODE_TUTTI_METRICS_REPLY', seq: null, metrics: null },
  {
    ...{ cmd: 'NODE_TUTTI_METRICS_REPLY', seq: 4 },
    metrics: [{ name: 'a', help: '', type: 'counter', values: [{ value: 1, labels: {} }] }],
  },
  { cmd: 'NODE_TUTTI_SIGNALLED', signal: 'SIGTERM', handled: true },
  { cmd: 'NODE_TUTTI_FAILED', what: 'the heartbeat', error: 'EMFILE' },
  { cmd: 'NODE_TUTTI_LAST_WORDS', stderr: ['a'], requests, error: 'Error: a', ownSignal: 'SIGTERM' },
  { cmd: 'NODE_TUTTI_TRANSFER', key: 'k', to: null, used: true, held: 3 },
  { cmd: 'NODE_TUTTI_TRANSFER', key: 'k', to: 1, used: true, held: null, dying: true, head: 'GET / HTTP/1.1\r\n\r\n' },
  { cmd: 'NODE_TUTTI_DYING', kinds: [{ kind: 'GET /', count: 2, again: true, answered: false, culprit: false }] },
  { cmd: 'NODE_TUTTI_ADOPTED', id: 1, accepted: true },
];

describe('the check of what a worker says', () => {
  it('knows every kind, and refuses none of what workers say', () => {
    assert.deepEqual([...new Set(good.map(({ cmd }) => cmd))].sort(), [...kinds].sort());
    for (const message of good) {
      assert.equal(problemOf(JSON.parse(JSON.stringify(message))), null, JSON.stringify(message));
    }
  });

  it('says what is wrong, and where', () => {
    const problem = (message: object): string | null => problemOf(message as { cmd: string });
    assert.equal(problem({ cmd: 'NODE_TUTTI_LISTENING' }), 'listeners is not a list');
    assert.equal(
      problem({ cmd: 'NODE_TUTTI_LISTENING', listeners: [{ protocol: 'tcp', port: 65_536 }] }),
      'listeners[0].port is not a whole number from 0 to 65535',
    );
    assert.equal(problem({ cmd: 'NODE_TUTTI_HEARTBEAT' }), 'beat is not an object');
    assert.equal(
      problem({ cmd: 'NODE_TUTTI_HEARTBEAT', beat: { ...full, extra: { ...full.extra, gc: { minor: 3 } } } }),
      'beat.extra.gc.minor is not an object',
    );
    assert.equal(problem({ cmd: 'NODE_TUTTI_LAST_WORDS', stderr: [1], requests: [] }), 'stderr[0] is not a text');
    assert.equal(problem({ cmd: 'NODE_TUTTI_CONSTRUCTOR' }), 'it is unknown here');
  });

  it('refuses each message as soon as one field that it needs is something else', () => {
    const odd = fc.oneof(fc.constant(undefined), fc.constant({}), fc.constant([null]), fc.constant(Number.NaN));
    for (const message of good) {
      const needed = Object.keys(message).filter(
        (name) =>
          ![
            'cmd',
            'data',
            'readableAll',
            'writableAll',
            'error',
            'ownSignal',
            'stacks',
            'requests',
            'metrics',
            'dying',
            'head',
          ].includes(name),
      );
      for (const name of needed) {
        fc.assert(
          fc.property(odd, (value) => {
            assert.notEqual(problemOf({ ...message, [name]: value }), null, `${message.cmd}.${name} = ${value}`);
          }),
          { numRuns: 8 },
        );
      }
    }
  });

  it('answers, and never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.dictionary(fc.string(), fc.jsonValue()), (cmd, fields) => {
        const problem = problemOf({ ...fields, cmd });
        assert.ok(problem === null || problem.length > 0);
      }),
    );
  });
});
