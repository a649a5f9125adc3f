// Finds the requests in flight that can run again in another worker, with their heads as Node's parser had them, and runs such a request
// here. Runs in the worker. The primary decides which kinds of request may do so: src/host/suspects.ts.

import type { AsyncResource, executionAsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { BootInfo } from '../protocol/messages.ts';
import type { RawConnection } from '../protocol/raw-handle.ts';
import type { DyingKind } from '../protocol/replay.ts';
import { requestKind, withoutQuery } from '../protocol/request-kind.ts';
import { allConnections, type Connection, newestConnection } from './connections/connections.ts';
import { socketsBetweenMessages } from './connections/idle.ts';
import { isPlain, isStill, type PrivateSocket } from './connections/movable.ts';
import { hasOwnState } from './connections/own-state.ts';
import { guarded, soon } from './guard.ts';
import { process } from './own-process.ts';
import { openStreams } from './report/requests.ts';

/** The methods that RFC 9110 calls safe, without TRACE, which no application answers itself. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Longer heads are rare, and the channel is narrow. */
const MOST_HEAD = 8192;
/** At most this many kinds are told to the primary. */
const MOST_KINDS = 30;
const MOST_KIND_CHARS = 100;
/** At most this many connections are looked at, so that the last turn stays short. */
const MOST_LOOKED_AT = 1000;

/** The connection whose request was started again in this turn of the loop. */
let starting: Connection | null = null;

/** The requests that can run elsewhere: no byte of the answer has left, and no later byte has been read. */
export function* replayable(replay: BootInfo['replay']): Iterable<{ connection: Connection; head: string }> {
  // The only request in flight is the reason why this process ends.
  if (replay.mode === 'off' || [...notBegun()].length < 2) return;
  const culprit = startedSocket();
  const waiting = [...allConnections()].filter(
    (connection) =>
      connection.pending === 1 &&
      connection.socket !== culprit &&
      !isReplay(connection) &&
      isStill(connection) &&
      isPlain(connection) &&
      !hasOwnState(connection),
  );
  const whole = socketsBetweenMessages(waiting);
  for (const connection of waiting) {
    const head = whole.has(connection.socket) ? headOf(connection) : null;
    if (head !== null && !isExcepted(connection, replay.except)) yield { connection, head };
  }
}

/** The requests in flight by kind, the most suspicious first. */
export function kindsInFlight(): DyingKind[] {
  const answered = new Set<string>();
  for (const { answeredMethod, answeredUrl } of [...allConnections()].slice(0, MOST_LOOKED_AT))
    if (answeredMethod !== '') answered.add(kindOf(answeredMethod, answeredUrl));
  const kinds = new Map<string, DyingKind>();
  const culprit = startedSocket();
  for (const { method, url, again, socket } of notBegun()) {
    const kind = kindOf(method, url);
    const known = kinds.get(kind) ?? { kind, count: 0, again: false, answered: answered.has(kind), culprit: false };
    known.count += 1;
    known.again ||= again;
    known.culprit ||= socket !== null && socket === culprit;
    kinds.set(kind, known);
  }
  const weight = ({ culprit, again, count }: DyingKind): number => (culprit ? 2e9 : again ? 1e9 : 0) - count;
  return [...kinds.values()].sort((a, b) => weight(b) - weight(a)).slice(0, MOST_KINDS);
}

interface NotBegun {
  method: string;
  url: string;
  again: boolean;
  socket: Socket | null;
}

/** All requests in flight whose answers have not begun. */
function* notBegun(): Iterable<NotBegun> {
  for (const connection of allConnections()) {
    const { method, url, socket, response, more } = connection;
    if (response !== null && !response.headersSent) yield { method, url, again: isReplay(connection), socket };
    for (const next of more ?? []) yield { method: next.method, url: next.url, again: false, socket: null };
  }
  for (const { stream, method, path } of openStreams())
    if (!stream.headersSent) yield { method, url: path, again: false, socket: null };
}

function kindOf(method: string, url: string): string {
  return requestKind(method, url).slice(0, MOST_KIND_CHARS);
}

/** Runs the request on a connection that was just given to its server. Throws what the application throws. */
export function replay(client: RawConnection, head: string): void {
  const connection = newestConnection();
  // The server had no room for it, or the application did not want it.
  if (connection === null || (connection.socket as PrivateSocket)._handle !== client) return;
  connection.replay = connection.requests + 1;
  starting = connection;
  // Runs only if the application survives its own error. Otherwise `starting` still names the request that threw.
  soon(started);
  // The way bytes take where Node's parser does not read from the handle itself.
  connection.socket.emit('data', Buffer.from(head, 'latin1'));
}

const started = guarded('running a request again', () => {
  starting = null;
});

/** Whether its oldest request has been in another worker. */
function isReplay({ pending, requests, replay }: Connection): boolean {
  return replay > 0 && requests - pending + 1 === replay;
}

/** The socket of the request that Node's parser or `replay` was passing to the application when it threw or ended the process. */
function startedSocket(): Socket | null {
  if (starting !== null) return starting.socket;
  const hooks = process.getBuiltinModule('node:async_hooks') as {
    executionAsyncResource: typeof executionAsyncResource;
  };
  const resource = hooks.executionAsyncResource() as Partial<AsyncResource & { socket: Socket }>;
  return resource?.socket ?? null;
}

/** Null: the request cannot or should not be repeated. */
function headOf({ method, url, request, response, socket }: Connection): string | null {
  if (request === null || response === null || response.headersSent) return null;
  // An application that changes the method means something else by the request.
  if (!SAFE.has(method) || request.method !== method || !request.complete || hasBody(request)) return null;
  if ((socket as PrivateSocket)._httpMessage !== response) return null;
  const { rawHeaders, httpVersion } = request;
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return head.length > MOST_HEAD ? null : `${head}\r\n`;
}

/** Judged by the raw headers, which the application cannot change. `Expect` and `Upgrade` ask for an answer before the answer. */
function hasBody({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.some((name, i) => {
    if (i % 2 === 1) return false;
    const lower = name.toLowerCase();
    return (
      /^(transfer-encoding|expect|upgrade)$/.test(lower) || (lower === 'content-length' && rawHeaders[i + 1] !== '0')
    );
  });
}

/** `GET`, `/path` with everything below it, or both: `GET:/path`. */
function isExcepted({ method, url }: Connection, except: readonly string[]): boolean {
  const path = withoutQuery(url);
  return except.some((each) => {
    const [, only, prefix] = /^([A-Za-z]+)?:?(\/\S*)?$/.exec(each) ?? [];
    if (only !== undefined && only.toUpperCase() !== method) return false;
    return prefix === undefined || path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  });
}
