// npm run replay <file> [--all]: takes the core of this source through a trace that TUTTI_TRACE has written, and prints what it was told,
// what it asked for, and what it reported, as a time line. No process is started. Without --all, inputs that changed nothing are left out.

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { sentence } from '../src/logs/own/sentences.ts';
import type { Action } from '../src/supervisor/vocabulary/actions.ts';
import { readTrace, replayRun, type TracedRun, type Turn } from './trace-runs.ts';

process.exitCode = main(process.argv.slice(2));

function main(args: readonly string[]): number {
  const file = args.find((arg) => !arg.startsWith('--'));
  if (file === undefined) return failed('which trace? npm run replay <file> [-- --all]');
  let runs: TracedRun[];
  try {
    runs = readTrace(readFileSync(file, 'utf8'));
  } catch (error) {
    return failed(`${file} cannot be replayed: it is no whole trace of TUTTI_TRACE (${said(error)})`);
  }
  for (const run of runs) {
    const { head, lines } = run;
    console.log(`${head.run}, tutti ${head.version}, ${head.at}: ${lines.length} inputs`);
    try {
      replayRun(run, (turn) => print(turn, head.startedAt, args.includes('--all')));
    } catch (error) {
      return failed(`the core failed here: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  return 0;
}

function print({ now, input, actions }: Turn, since: number, all: boolean): void {
  const told = actions.filter(({ type }) => all || type !== 'wake');
  if (told.length === 0 && !all) return;
  console.log(`${((now - since) / 1000).toFixed(3).padStart(10)}  ${input === null ? 'start' : brief(input)}`);
  for (const action of told) console.log(`${' '.repeat(12)}${described(action)}`);
}

function described(action: Action): string {
  if (action.type !== 'report') return `→ ${brief(action)}`;
  const { level, text } = sentence(action.event);
  return `  ${level}: ${text}`;
}

/** The type, then what goes with it, in one line. */
function brief({ type, ...rest }: { type: string }): string {
  const parts = Object.entries(rest).map(
    ([key, value]) => `${key}=${inspect(value, { breakLength: Infinity, depth: 4 })}`,
  );
  return [type, ...parts].join(' ');
}

function failed(reason: string): number {
  console.error(`replay: ${reason}`);
  return 1;
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
