// An orphan starts another supervisor for its app and gives it the listening sockets: by itself, as the dead one was started, or for a
// start by hand. Runs in the worker; a file of its own, loaded only when the primary is dead. The other side is app/takeover/inherited.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { CallForPorts, OrphanOrders, RevivalOrders, SupervisorCommand } from '../../protocol/orphans/orders.ts';
import { mayRevive } from '../../protocol/orphans/revival-limit.ts';
import {
  callPath,
  endTurn,
  isTaken,
  leftPath,
  passTurn,
  readTurn,
  takeTurn,
} from '../../protocol/orphans/succession.ts';
import { systemMs } from '../../protocol/scoreboard-layout.ts';
import { type HandedSocket, TAKEOVER_VARIABLE, type Takeover } from '../../protocol/takeover.ts';
import { type Guarded, guarded, later, on } from '../guard.ts';
import { process } from '../own-process.ts';

type Environment = Record<string, string | undefined>;

/** One slot after the other: the lowest has every socket of the app. */
const TURN_MS = 250;
/** Before one without its copy of a socket, which would have the port closed that a sibling serves. Chosen, not measured. */
const LAST_MS = 1_500;
/** Before each of the three tries, from the last start on; after them only a start by hand helps. Chosen, not measured. */
const BACKOFF_MS = [0, 1_000, 5_000];
/** Below it a child has its input, its output and the channel. */
const FIRST_SOCKET = 4;
const MOST_CALL_CHARS = 4 * 1024 * 1024;
/** What node and tutti put into the environment of a worker, and take out again. */
const OF_WORKER = ['TUTTI_BOOT', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID'];

/** This worker, as it is then. */
export interface Reviving {
  slot: number;
  generation: number;
  /** It has just begun to serve, and a copy that it asked for never came. */
  lacksCopy: boolean;
  /** Its copies of the app's sockets, by their numbers here. */
  sockets(): HandedSocket[];
}

export interface Reviver {
  /** To be called once a second. */
  look: Guarded;
  /** Somebody waits for what this process has to tell: it must not end before. */
  isAwaited(): boolean;
}

export function reviver(orders: OrphanOrders, { slot, generation, lacksCopy, sockets }: Reviving): Reviver {
  const { place, revival } = orders;
  const left = readLeft(leftPath(place, orders.primary.pid));
  let child: ChildProcess | null = null;
  let mayBegin = false;
  let isAwaited = false;

  /** The turn is this process's; it goes to the child, or back. */
  const start = (
    command: SupervisorCommand,
    env: Environment,
    { tries, at, workers, revivals }: { tries: number; at: number; workers: number | null; revivals: number },
  ): ChildProcess | null => {
    const own = sockets();
    const takeover: Takeover = {
      schema: 1,
      reason: 'resurrection',
      name: orders.app,
      from: orders.primary,
      generation: Math.max(generation, left.lastGeneration),
      ...(workers !== null && { workers }),
      revivals,
      sockets: own.map((socket, i) => ({ ...socket, fd: FIRST_SOCKET + i })),
    };
    const out = openLog(command.out);
    const err = openLog(command.err);
    try {
      const started = spawn(command.node, command.args, {
        cwd: command.cwd,
        env: { ...env, [TAKEOVER_VARIABLE]: JSON.stringify(takeover) },
        detached: true,
        stdio: ['ignore', out, err, 'ipc', ...own.map(({ fd }) => fd)],
      });
      const ended = guarded('the end of another supervisor', () => {
        child = null;
      });
      on(started, 'error', ended);
      on(started, 'exit', ended);
      if (started.pid === undefined) return null;
      child = started;
      passTurn(place, started.pid, { tries, at });
      started.unref();
      started.channel?.unref();
      started.send(
        command.record as object,
        guarded('telling what to run', () => {}),
      );
      return started;
    } finally {
      closeSync(out);
      closeSync(err);
    }
  };

  const byItself = (command: RevivalOrders): void => {
    const turn = readTurn(place);
    const tries = turn?.tries ?? 0;
    const now = systemMs(process.hrtime());
    const backoff = BACKOFF_MS[tries];
    if (isTaken(turn) || backoff === undefined || (turn !== null && now - turn.at < backoff)) return;
    if (!takeTurn(place, tries + 1, now)) return;
    start(command, environment(command.env), {
      tries: tries + 1,
      at: now,
      workers: left.target,
      revivals: left.revivals + 1,
    });
  };

  /** Somebody has typed a start, and waits where `path` leads. */
  const answer = (path: string): void => {
    if (!takeTurn(place, 0, systemMs(process.hrtime()))) return;
    isAwaited = true;
    const caller = connect(path);
    caller.unref();
    let said = '';
    const givenUp = guarded('a call for the ports', () => {
      isAwaited = false;
      if (child === null) endTurn(place);
    });
    on(
      caller,
      'error',
      guarded('a call that nobody waits for', () => rmSync(path, { force: true })),
    );
    on(caller, 'close', givenUp);
    const heard = guarded('a call for the ports', (chunk: string) => {
      said += chunk;
      if (said.length > MOST_CALL_CHARS) caller.destroy();
      const end = said.indexOf('\n');
      if (end === -1 || child !== null) return;
      const { command, env } = JSON.parse(said.slice(0, end)) as CallForPorts;
      // Whoever types a start says how many workers there are to be.
      tellCaller(caller, start(command, env, { tries: 0, at: systemMs(process.hrtime()), workers: null, revivals: 0 }));
    });
    caller.setEncoding('utf8');
    on(caller, 'data', heard);
  };

  const look = guarded('another supervisor', () => {
    if (child !== null || isAwaited) return;
    const call = callPath(place);
    if (existsSync(call)) answer(call);
    else if (revival !== null && mayBegin && mayRevive(left.revivals)) byItself(revival);
  });
  const begin = guarded('another supervisor', () => {
    mayBegin = true;
    return look;
  });
  later(slot * TURN_MS + (lacksCopy ? LAST_MS : 0), begin).unref();
  return { look, isAwaited: () => isAwaited };
}

/** Where it cannot be read, what this worker knows has to do. */
function readLeft(path: string): { lastGeneration: number; target: number | null; revivals: number } {
  try {
    const { lastGeneration, target, revivals } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return {
      lastGeneration: asNumber(lastGeneration) ?? 0,
      target: asNumber(target),
      revivals: asNumber(revivals) ?? 0,
    };
  } catch {
    return { lastGeneration: 0, target: null, revivals: 0 };
  }
}

function asNumber(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** As the process in the background says it, and how it ended if it says nothing. */
function tellCaller(caller: Socket, child: ChildProcess | null): void {
  const tell = (message: object): void => {
    caller.end(`${JSON.stringify(message)}\n`);
  };
  if (child === null) {
    tell({ type: 'exit', how: 'it could not be started' });
    return;
  }
  const pid = child.pid;
  on(
    child,
    'message',
    guarded('what another supervisor says', (message: object) => tell({ type: 'report', pid, message })),
  );
  on(
    child,
    'exit',
    guarded('the end of another supervisor', (code: number | null, signal: string | null) =>
      tell({ type: 'exit', how: signal ?? `exit code ${code}` }),
    ),
  );
}

/** The primary's own, as it was: this process knows its own first one, and what is different. */
function environment(changes: RevivalOrders['env']): Environment {
  const env: Environment = {};
  for (const pair of readFileSync('/proc/self/environ', 'utf8').split('\0')) {
    const at = pair.indexOf('=', 1);
    if (at > 0) env[pair.slice(0, at)] = pair.slice(at + 1);
  }
  for (const name of OF_WORKER) delete env[name];
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete env[name];
    else env[name] = value;
  }
  return env;
}

function openLog(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}
