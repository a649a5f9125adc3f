// biome-ignore-all lint/suspicious/noControlCharactersInRegex: these are what it is about

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '../../../src/cli/shared/table.ts';
import { incidentText } from '../../../src/logs/incidents/incident-text.ts';
import { OwnLog } from '../../../src/logs/own/own-log.ts';
import { oneLine, ownLines, visible } from '../../../src/logs/own/visible.ts';
import { TerminalLabels } from '../../../src/logs/workers/terminal-labels.ts';

/** Moves the cursor, clears, renames the window, writes over, rings, turns the direction. */
const nasty = [
  '\u001b]0;title\u0007',
  '\u001b]8;;http://evil\u001b\\link',
  '\u001b[2J\u001b[H',
  '\u001bc',
  '\rtutti: worker 9 (pid 1) ready',
  'abc\b\b\bxyz',
  '\u009b2J',
  '\u009d0;x\u009c',
  '\u0000\u007f\u000b\u000c',
  '\u202egnp.exe\u2066',
  '\u2028tutti: forged',
  '\u001b[8mhidden',
  '\u001b[0;8mhidden',
  '\u001b[1;31',
  '\u001bP1$r\u001b\\',
  '\u001b[6n',
];

function assertHarmless(text: string): void {
  const left = text.replaceAll(/\u001b\[[0-9;:]*m/g, '');
  assert.doesNotMatch(left, /(?![\t\n])\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u, JSON.stringify(text));
  assert.doesNotMatch(text, /\u001b\[(0;)?8m/);
}

test('nothing but colours, lines and tabs passes, and what does not is seen', () => {
  for (const text of nasty) assertHarmless(visible(text));
  assert.equal(visible('a\rb\u001b[2Jc\u009bd'), 'a\\rb\\u001b[2Jc\\u009bd');
  assert.equal(visible('plain ü 日本 👩‍👩‍👧\tline\nline'), 'plain ü 日本 👩‍👩‍👧\tline\nline');
});

test('colours pass and end with their line', () => {
  assert.equal(visible('\u001b[31mred\u001b[39m'), '\u001b[31mred\u001b[39m');
  assert.equal(visible('\u001b[38;5;8mgrey\u001b[0m'), '\u001b[38;5;8mgrey\u001b[0m');
  assert.equal(visible('\u001b[48;2;8;8;8mdark'), '\u001b[48;2;8;8;8mdark\u001b[0m');
  assert.equal(visible('\u001b[30;40mblack\nnext'), '\u001b[30;40mblack\u001b[0m\nnext');
});

test('JSON means the same afterwards', () => {
  for (const text of nasty) assert.equal(JSON.parse(visible(JSON.stringify(text))), text);
});

test('one line stays one, and the lines of a text of tutti cannot pass for others', () => {
  assert.equal(oneLine('a\nb\r\n'), 'a\\nb');
  assert.equal(oneLine('windows\r'), 'windows');
  assert.equal(
    ownLines('reason\ntutti: worker 9 ready\n  already set in'),
    'reason\n  tutti: worker 9 ready\n  already set in',
  );
});

test('all that is shown passes it: own lines, labelled output, tables, incidents', () => {
  const shown: string[] = [];
  const log = new OwnLog({
    write: (text) => shown.push(text),
    format: 'plain',
    color: true,
    name: 'web',
    clock: () => new Date(),
  });
  const labels = new TerminalLabels(true, (_, text) => shown.push(text.toString()));
  for (const text of nasty) {
    log.line('warn', text);
    log.event({ type: 'notice', level: 'error', message: text });
    labels.push({ slot: 0, pid: 1, stream: 'stdout', chunk: Buffer.from(`${text}\n`) });
    shown.push(...table([{ title: 'a' }, { title: 'b' }], [[text, `${text}\nx`]]));
    shown.push(
      incidentText({
        schema: 1,
        id: 'x',
        app: 'web',
        kind: 'crash',
        at: new Date(0).toISOString(),
        lastAt: new Date(0).toISOString(),
        count: 1,
        slot: 0,
        pid: 1,
        generation: 1,
        uptimeMs: 1,
        summary: text,
        exit: { code: 1, signal: null, detail: text },
        doing: null,
        stack: [{ function: text, file: text, line: 1, column: 1 }],
        noStack: null,
        error: `${text}\n${text}`,
        requests: [{ method: 'GET', path: text, ageMs: 1 }],
        lastLines: [text],
      } as unknown as Parameters<typeof incidentText>[0]),
    );
  }
  for (const text of shown) assertHarmless(text);
  const lines = shown.join('').split('\n');
  assert.ok(!lines.some((line) => line.startsWith('tutti: forged') || line.startsWith('tutti: worker 9')));
});
