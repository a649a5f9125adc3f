// Programs that do not listen – queue workers, schedulers – get the same care: no job is broken off.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually, within } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { fixture, startSupervised } from '../support/supervised.ts';

interface Entry {
  pid: number;
  place: string;
  number: string;
  what: 'begin' | 'end';
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tutti-queue-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('a queue worker is ready when it has started; reload, recycle, scale and stop let it finish its job', async (t) => {
  const journal = join(folder(t), 'journal');
  const entries = (): Entry[] =>
    readFileSync(journal, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
  const { app, pids } = await startSupervised(t, {
    entry: fixture('queue.cjs'),
    ready: 'started',
    instanceVar: 'PLACE',
    incrementVar: 'NUMBER',
    env: { JOURNAL: journal, NUMBER: '7' },
  });
  const first = pids();
  assert.equal((await app.reload()).outcome, 'done');
  assert.ok(pids().every((pid) => !first.includes(pid)));
  assert.equal((await app.scale(3)).outcome, 'done');
  assert.equal((await app.recycle()).outcome, 'done');
  assert.equal((await app.scale(1)).outcome, 'done');
  await app.stop();
  assert.equal((await within('the end', app.stopped)).code, 0);

  const all = entries();
  const workers = new Set(all.map(({ pid }) => pid));
  assert.equal(workers.size, 8, 'two, two more, a third, and three again');
  for (const pid of workers) {
    const jobs = all.filter((entry) => entry.pid === pid).map(({ what }) => what);
    assert.equal(jobs.at(-1), 'end', `worker ${pid} was broken off`);
  }
  assert.deepEqual([...new Set(all.map(({ place, number }) => `${place} ${number}`))].sort(), ['0 7', '1 8', '2 9']);
});

test('a single worker stays single when it is killed, and ends after its time if it does not listen to the signal', async (t) => {
  const { app, events, pids } = await startSupervised(t, {
    entry: fixture('ignores-sigterm.cjs'),
    ready: 'started',
    workers: 1,
    stopTimeout: 300,
  });
  const [before = 0] = pids();
  process.kill(before, 'SIGKILL');
  const after = await eventually('another one is ready', () => {
    const [worker] = app.snapshot().workers;
    return worker?.state === 'ready' && worker.pid !== before ? worker.pid : null;
  });
  assert.equal(app.snapshot().workers.length, 1);
  await app.stop();
  await within('the end', app.stopped);
  const [exit] = events.flatMap((event) => (event.type === 'worker-exit' && event.pid === after ? [event] : []));
  assert.deepEqual([exit?.signal, exit?.reason], ['SIGKILL', 'timed-out']);
});

test('a spare learns the variables of the slot when it takes it', async (t) => {
  const entry = join(folder(t), 'server.cjs');
  writeFileSync(
    entry,
    `require('node:http').createServer((_, response) => {
       const { PLACE, NUMBER, NODE_APP_INSTANCE } = process.env;
       response.end([PLACE, NUMBER, NODE_APP_INSTANCE].join(' '));
     }).listen(0)`,
  );
  const variables = { instanceVar: 'PLACE', incrementVar: 'NUMBER', env: { NUMBER: '7' } };
  const { app, port, pids } = await startSupervised(t, { entry, workers: 1, spares: 1, ...variables });
  const spare = await eventually(
    'the spare has booted',
    () => app.snapshot().workers.find(({ state }) => state === 'spare')?.pid,
  );
  process.kill(pids().find((pid) => pid !== spare) ?? 0, 'SIGKILL');
  await eventually('it has taken the slot', () =>
    app.snapshot().workers.some(({ pid, slot }) => pid === spare && slot === 0),
  );
  assert.equal((await fetch({ port: port() })).body, '0 7 ');
  await app.stop();
});
