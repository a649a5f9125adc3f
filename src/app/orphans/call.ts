// A start by hand beside orphans that serve on. Only a parent can give its child descriptors, so one of them starts the supervisor: it finds
// a socket here once a second, connects, hears what to start, and tells what the supervisor says. Part of the composition; runs in the CLI.

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { socketPathProblem } from '../../files/state-folder.ts';
import type { CallForPorts, SupervisorCommand } from '../../protocol/orphans/orders.ts';
import { callPath } from '../../protocol/orphans/succession.ts';
import { placeOf } from './orders.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** An orphan looks once a second. */
const ANSWER_MS = 6_000;

/** What came of it: what the supervisor said when its start was over, or how it ended without a word. */
export type StartAnswer = { type: 'report'; pid: number; message: unknown } | { type: 'exit'; how: string };

/** Null: no orphan has answered, and nothing has happened. */
export async function callForPorts(
  command: SupervisorCommand,
  name: string,
  env: Environment,
): Promise<StartAnswer | null> {
  const path = callPath(placeOf(env, name));
  if (socketPathProblem(path) !== null) return null;
  const server = createServer();
  try {
    const caller = await firstCaller(server, path);
    if (caller === null) return null;
    const defined = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);
    return await talk(caller, { command, env: Object.fromEntries(defined) });
  } finally {
    server.close();
    rmSync(path, { force: true });
  }
}

async function firstCaller(server: Server, path: string): Promise<Socket | null> {
  // Of a start that was killed; two at a time are told apart by the turn.
  rmSync(path, { force: true });
  const called = new Promise<Socket | null>((resolve) => {
    server.once('connection', resolve);
    server.once('error', () => resolve(null));
  });
  // In a folder that nobody else may enter.
  server.listen(path);
  const late = new AbortController();
  const nobody = delay(ANSWER_MS, null, { signal: late.signal }).catch(() => null);
  const caller = await Promise.race([called, nobody]);
  late.abort();
  rmSync(path, { force: true });
  return caller;
}

function talk(caller: Socket, call: CallForPorts): Promise<StartAnswer> {
  return new Promise((resolve) => {
    let said = '';
    caller.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    caller.on('error', () => {});
    caller.once('close', () => resolve(answerOf(said)));
    caller.write(`${JSON.stringify(call)}\n`);
  });
}

function answerOf(said: string): StartAnswer {
  try {
    return JSON.parse(said) as StartAnswer;
  } catch {
    return { type: 'exit', how: 'the worker that started it has ended' };
  }
}
