// Promise: what is known of bad ends stays, within bounds and in order, also beside damaged files and on a disk that takes nothing; and a person
// reads it without harm to the terminal.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { IncidentStore, readIncidents } from '../../../src/logs/incidents/incident-store.ts';
import { culprit, hangSummary, incidentText } from '../../../src/logs/incidents/incident-text.ts';
import type { Frame, Incident } from '../../../src/supervisor/vocabulary/incident.ts';

const base = mkdtempSync(join(tmpdir(), 'tutti-incidents-'));
after(() => rmSync(base, { recursive: true }));
const folder = join(base, 'web');
beforeEach(() => rmSync(folder, { recursive: true, force: true }));

const now = new Date().toISOString();

function incident(id: string, more: Partial<Incident> = {}): Incident {
  return {
    schema: 1,
    ...{ id, serial: 0, app: 'web', kind: 'crash', at: now, lastAt: now, count: 1, summary: 'it died' },
    ...{ slot: 0, pid: 7, generation: 1, uptimeMs: 1500, exit: null, doing: null, stack: null, noStack: null },
    ...{ error: null, requests: [], lastLines: [] },
    ...more,
  };
}

const ids = (of: readonly Incident[]): string[] => of.map(({ id }) => id);

test('what happened last is first, also after a restart and when clocks were set back', () => {
  const store = new IncidentStore(folder);
  store.put(incident('a', { lastAt: '2030-01-01T00:00:00.000Z' }));
  store.put(incident('b'));
  store.put(incident('c'));
  store.put(incident('a', { count: 2 }));
  assert.deepEqual(ids(store.list()), ['a', 'c', 'b']);
  assert.equal(store.get('a')?.count, 2);
  assert.equal(store.get('x'), null);
  const later = new IncidentStore(folder);
  assert.deepEqual(ids(later.list()), ['a', 'c', 'b']);
  later.put(incident('d'));
  assert.deepEqual(ids(readIncidents(folder)), ['b', 'c', 'a', 'd'], 'numbers go on where they were');
});

test('each is a file for programs and one for people, for the user alone', () => {
  new IncidentStore(folder).put(incident('a'));
  assert.deepEqual(readdirSync(folder).sort(), ['a.json', 'a.txt']);
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
  assert.equal(
    readFileSync(join(folder, 'a.txt'), 'utf8'),
    incidentText(new IncidentStore(folder).list()[0] as Incident),
  );
});

test('there are fifty at most, of a month at most, and what goes leaves no file', () => {
  const store = new IncidentStore(folder);
  const old = new Date(Date.now() - 31 * 24 * 3600 * 1000).toISOString();
  store.put(incident('old', { lastAt: old }));
  assert.deepEqual(ids(store.list()), []);
  for (let count = 0; count < 55; count++) store.put(incident(`i${count}`));
  assert.equal(store.list().length, 50);
  assert.equal(store.get('i4'), null);
  assert.notEqual(store.get('i5'), null);
  assert.equal(readdirSync(folder).length, 100);
});

test('damaged files, and those of somebody else, hide no others', () => {
  new IncidentStore(folder).put(incident('good'));
  for (const [name, text] of [
    ['empty.json', ''],
    ['half.json', JSON.stringify(incident('half')).slice(0, 40)],
    ['null.json', 'null'],
    ['list.json', '[]'],
    ['newer.json', JSON.stringify({ ...incident('newer'), schema: 2 })],
    ['renamed.json', JSON.stringify(incident('other'))],
    ['stack.json', JSON.stringify({ ...incident('stack'), stack: 'x' })],
    ['count.json', JSON.stringify({ ...incident('count'), count: '1' })],
    ['notes.txt', 'mine'],
  ] as const) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  mkdirSync(join(folder, 'folder.json'));
  assert.deepEqual(ids(readIncidents(folder)), ['good']);
});

test('without a folder, or with one that takes nothing, they are kept in memory', () => {
  writeFileSync(join(base, 'file'), '');
  for (const place of [null, join(base, 'file/below')]) {
    const store = new IncidentStore(place);
    for (let count = 0; count < 51; count++) store.put(incident(`i${count}`));
    assert.equal(store.list().length, 50);
  }
});

const frame = (file: string, name = 'work', line = 12): Frame => ({ function: name, file, line, column: 3 });

test('who is to blame is the innermost frame of the application, else the innermost at all', () => {
  const own = frame('/srv/app.js');
  for (const [stack, expected] of [
    [null, null],
    [[], null],
    [[frame('node:fs'), own, frame('/srv/main.js')], 'work() at /srv/app.js:12'],
    [[frame('/srv/node_modules/x/i.js'), own], 'work() at /srv/app.js:12'],
    [[frame('node:fs', 'readSync', 5), frame('node:internal')], 'readSync() at node:fs:5'],
    [[frame('', 'x'), frame('/srv/app.js', '(anonymous)')], 'an anonymous function at /srv/app.js:12'],
  ] as const) {
    assert.equal(culprit(stack), expected);
  }
});

test('a hang is told by where, else by what, and with the request that has waited longest', () => {
  const requests = [
    { method: 'GET', path: '/slow', ageMs: 9000 },
    { method: 'GET', path: '/', ageMs: 1 },
  ];
  for (const [doing, stack, asked, expected] of [
    ['spinning', [frame('/a.js')], [], 'its event loop was blocked in work() at /a.js:12'],
    ['waiting', null, [], 'it was waiting in a system call'],
    ['stopped', [], requests, /^it was stopped by a signal .*, while it served GET \/slow$/],
    ['of another version', null, [], 'its event loop stood still'],
  ] as const) {
    const summary = hangSummary(doing, stack, asked as Incident['requests']);
    if (typeof expected === 'string') assert.equal(summary, expected);
    else assert.match(summary, expected);
  }
});

test('the text has what is known, and no heading of what is not', () => {
  const bare = incidentText(incident('a', { slot: null, pid: null, uptimeMs: null }));
  assert.equal(bare, `crash: it died\n\napp        web\nworker     a spare, generation 1\ntime       ${now}\n`);
  const full = incidentText(
    incident('a', {
      ...{ kind: 'hang', count: 3, doing: 'spinning', exit: { code: null, signal: 'SIGKILL', detail: 'killed' } },
      ...{ stack: [frame('/a.js')], error: 'Error: x\n    at y', lastLines: ['one', 'two'] },
      requests: Array.from({ length: 23 }, () => ({ method: 'GET', path: '/', ageMs: 1234 })) as Incident['requests'],
    }),
  );
  for (const part of [
    /^worker {5}worker 0 \(pid 7\), generation 1$/m,
    /, 3 times, last /,
    /^lived {6}1\.5 s$/m,
    /^end {8}killed$/m,
    /^ {2}work \(\/a\.js:12:3\)$/m,
    /^uncaught error\n {2}Error: x\n {6}at y$/m,
    /^requests in flight \(23\)\n( {2}GET \/ for 1\.2 s\n){20} {2}and 3 more$/m,
    /^last lines of stderr\n {2}one\n {2}two\n$/m,
  ]) {
    assert.match(full, part);
  }
});

test('nothing from a client or a worker moves the cursor, or passes for a line of its own', () => {
  const evil = '\x1b[2J\x1b]0;x\x07\r\nend        all is well';
  const text = incidentText(
    incident('a', {
      ...{ summary: evil, error: evil, lastLines: [evil], noStack: evil },
      exit: { code: 1, signal: null, detail: evil },
      requests: [{ method: 'GET', path: evil, ageMs: 1 }] as unknown as Incident['requests'],
    }),
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
  assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  assert.equal(text.match(/^end {8}/gm)?.length, 1);
});
