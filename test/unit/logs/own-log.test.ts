import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnLog } from '../../../src/logs/own/own-log.ts';
import { sentence, url } from '../../../src/logs/own/sentences.ts';
import type { SupervisorEvent } from '../../../src/supervisor/vocabulary/events.ts';

const worker = { slot: 0, pid: 4711, generation: 1 };

const crash: SupervisorEvent = {
  type: 'worker-exit',
  ...worker,
  code: 1,
  signal: null,
  reason: 'crashed',
  detail: 'ended with code 1: Error: boom',
  lastLines: ['Error: boom', '    at server.js:1:1'],
  uptimeMs: 20,
};

function logInto(lines: string[], format: 'plain' | 'json', clock: () => Date) {
  const write = (text: string) => {
    lines.push(text);
  };
  return new OwnLog({ write, format, color: false, name: 'web', clock }, 3);
}

test('a crash loop is summarised, and nothing is lost from the count', () => {
  const lines: string[] = [];
  let now = 0;
  const log = logInto(lines, 'plain', () => new Date(now));
  for (let i = 0; i < 100; i++) log.event(crash);
  assert.equal(lines.length, 3);
  assert.match(lines[2] ?? '', /will only be counted/);
  now = 60_000;
  log.event(crash);
  assert.match(lines[3] ?? '', /and 97 lines like this one before/);
});

test('in a file each line has its time', () => {
  const lines: string[] = [];
  const write = (text: string) => lines.push(text);
  const clock = () => new Date(0);
  new OwnLog({ write, format: 'plain', color: false, timed: true, name: 'web', clock }).line('info', 'running');
  assert.deepEqual(lines, ['1970-01-01T00:00:00.000Z tutti: running\n']);
});

test('one kind of trouble does not hide another', () => {
  const lines: string[] = [];
  const log = logInto(lines, 'plain', () => new Date(0));
  for (let i = 0; i < 10; i++) log.event(crash);
  log.event({ ...crash, reason: 'hung', detail: 'its main loop stood still for 30000 ms' });
  assert.match(lines.at(-1) ?? '', /hung and was killed/);
});

test('as JSON every event is a line, with its sentence', () => {
  const lines: string[] = [];
  const log = logInto(lines, 'json', () => new Date(0));
  for (let i = 0; i < 100; i++) log.event(crash);
  log.event({ type: 'worker-online', ...worker });
  log.line('info', 'hello');
  assert.equal(lines.length, 102);
  const values = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(values[0], {
    at: '1970-01-01T00:00:00.000Z',
    app: 'web',
    ...crash,
    level: 'error',
    message: 'worker 0 (pid 4711) ended with code 1: Error: boom',
  });
  assert.equal(values[101]?.type, 'notice');
});

test('people are spared what is only noise', () => {
  const lines: string[] = [];
  const log = logInto(lines, 'plain', () => new Date(0));
  log.event({ type: 'worker-online', ...worker });
  log.event({ ...crash, reason: 'planned', detail: 'reload' });
  assert.deepEqual(lines, []);
});

test('a failed reload quotes the worker', () => {
  const lines: string[] = [];
  const log = logInto(lines, 'plain', () => new Date(0));
  log.event({
    type: 'reload-failed',
    generation: 2,
    reason: 'the first new worker failed: ended with code 1',
    lastLines: ['Error: boom'],
    rolledBack: false,
    degraded: false,
    superseded: false,
    frame: ['server.js:1'],
    standing: {
      ...{ change: 'unchanged', old: 2, new: 0, mixed: 0, wanted: 2, headline: 'refused, nothing changed' },
      ...{ summary: '2 of 2 workers run the old code (generation 1)', warning: 'the old files were overwritten' },
    },
  });
  assert.match(
    lines[0] ?? '',
    /generation 2 refused, nothing changed: 2 of 2 .*; why: .* code 1; careful: the old files/,
  );
  assert.deepEqual(lines.slice(1), ['    server.js:1\n', '    Error: boom\n']);
});

test('a kill from outside is told as what it is', () => {
  const { text } = sentence({ ...crash, code: null, signal: 'SIGKILL', reason: 'killed', detail: 'ended by SIGKILL' });
  assert.equal(text, 'worker 0 (pid 4711) was killed by a signal that tutti did not send: ended by SIGKILL');
});

test('a URL is what a browser takes', () => {
  const tcp = { protocol: 'tcp', scheme: 'http' } as const;
  assert.equal(url({ ...tcp, address: '::', port: 8000 }), 'http://localhost:8000');
  assert.equal(url({ ...tcp, address: '0.0.0.0', port: 80 }), 'http://localhost');
  assert.equal(url({ ...tcp, address: '127.0.0.1', port: 8443, scheme: 'https' }), 'https://127.0.0.1:8443');
  assert.equal(url({ ...tcp, address: '::1', port: 8000 }), 'http://[::1]:8000');
  assert.equal(url({ protocol: 'tcp', address: '::', port: 5432 }), null);
  assert.equal(url({ protocol: 'unix', path: '/run/app.sock' }), null);
});

test('an incident does not repeat what the exit has said, but says where to read more', () => {
  const id = '20260102T030405678Z-0-1';
  const incident = { type: 'incident', id, summary: crash.detail, ...worker } as const;
  assert.equal(sentence({ ...incident, told: true }).text, `worker 0 (pid 4711): see tutti describe --incident ${id}`);
  assert.match(sentence({ ...incident, told: false }).text, /boom \(incident 2026/);
});
