import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import { createColors } from 'picocolors';
import { width } from '../../../src/cli/shared/table.ts';
import { newState, receive, receiveLines, type TopState } from '../../../src/cli/top/state.ts';
import { view } from '../../../src/cli/top/view.ts';
import { MemoryTarget, memoryWorker } from '../admin/memory-target.ts';

const plain = createColors(false);

function state(workers: number, events: number): TopState {
  const target = new MemoryTarget('web');
  target.workers = Array.from({ length: workers }, (_, slot) => memoryWorker(slot));
  let now = newState('web', 1);
  now = receive(now, {
    snapshot: target.snapshot(),
    second: { requestsPerSecond: 1234, errorsPerSecond: 0, p50Ms: 1.2, p99Ms: 34 },
    hour: null,
    slots: { '0': { requestsPerSecond: 617 } },
  });
  for (let i = 0; i < events; i += 1) {
    const event = { type: 'notice', level: 'info', message: `event ${i}` } as const;
    now = receive(now, { id: `x.${i}`, at: '2026-01-01T00:00:00.000Z', event });
  }
  return now;
}

function line(text: string, slot = 0) {
  const time = '2026-01-01T00:00:00.000Z';
  return { time, slot, pid: 1, generation: 1, stream: 'err' as const, line: text };
}

describe('tutti top', () => {
  it('fills the terminal and no more, at any size and with any number of workers', () => {
    fc.assert(
      fc.property(
        fc.nat(64),
        fc.nat(50),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(80),
        (workers, events, columns, rows, scroll) => {
          const lines = view({ ...state(workers, events), scroll }, { columns, rows }, createColors(true));
          assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
          for (const line of lines) assert.ok(width(line) <= columns);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('shows load, workers and the newest events', () => {
    const lines = view(state(2, 30), { columns: 130, rows: 20 }, plain);
    assert.match(lines[0] ?? '', /^web running · generation 1 · up 1s · http:\/\/localhost:3000$/);
    assert.match(lines[1] ?? '', /requests 1\.2k\/s {2}p50 1\.2ms {2}p99 34ms {2}connections 6 {2}cpu 25%/);
    assert.match(lines[4] ?? '', /^ +0 {2}● ready +13% +29M +617/);
    assert.match(lines.at(-2) ?? '', /event 29$/);
    assert.match(lines.at(-1) ?? '', /Tab {2}next app/);
  });

  it('does not show what is past as the present', () => {
    const lines = view({ ...state(2, 0), lost: 'does not answer' }, { columns: 130, rows: 20 }, plain);
    assert.equal(lines[0], 'web does not answer');
    assert.equal(lines[1], 'below: as it was when it answered last');
  });

  it('keeps the numbers of the last second when a picture in between has none', () => {
    const before = state(1, 0);
    const sample = before.sample;
    assert.ok(sample);
    const after = receive(before, { ...sample, second: null, slots: {} });
    assert.equal(after.measured?.requestsPerSecond, 1234);
    assert.equal(after.slots['0']?.requestsPerSecond, 617);
  });

  it('leaves out columns that have no room, least telling first, and scrolls workers that do not fit', () => {
    const narrow = view(state(2, 0), { columns: 40, rows: 20 }, plain);
    assert.match(narrow[3] ?? '', /^slot {2}state +cpu +memory +req\/s/);
    assert.ok(!(narrow[3] ?? '').includes('pid'));
    const low = view({ ...state(30, 0), scroll: 25 }, { columns: 130, rows: 12 }, plain);
    assert.match(low[3] ?? '', /23 more: ↑ ↓/);
    assert.match(low[4] ?? '', /^ +23 /);
    assert.match(low[10] ?? '', /^ +29 /);
  });

  it('shows all of a number or nothing of it', () => {
    for (let columns = 30; columns < 110; columns += 1) {
      const [titles = '', row = ''] = view(state(2, 0), { columns, rows: 20 }, plain).slice(3, 5);
      assert.ok(width(titles) < columns || !titles.includes('…'), titles);
      assert.ok(!row.includes('…'), `${columns}: ${row}`);
    }
  });

  it('shows the log below the events, all over on demand, and never obeys it', () => {
    const lines = [line('before'), line('\u001b[2J\u001b[31mred\u001b[0m\rx\u0007', 1)];
    const now = receiveLines(state(2, 30), lines);
    const both = view(now, { columns: 100, rows: 20 }, plain);
    assert.match(both.at(-2) ?? '', /\[1!\] red x $/);
    assert.equal(both.at(-4), 'log');
    assert.match(both.at(-5) ?? '', /event 29$/);
    const log = view({ ...now, pane: 'log' }, { columns: 100, rows: 20 }, plain);
    assert.ok(!log.some((text) => text.includes('event 2')), log.join('\n'));
    assert.match(log.at(-1) ?? '', /l {2}events/);
    const low = view(now, { columns: 100, rows: 12 }, plain);
    assert.match(low.at(-2) ?? '', /event 29$/);
  });

  it('asks before it stops or reloads', () => {
    const lines = view({ ...state(1, 0), asking: 'stop' }, { columns: 80, rows: 20 }, plain);
    assert.equal(lines[2], 'stop web? y: yes, any other key: no');
  });
});
