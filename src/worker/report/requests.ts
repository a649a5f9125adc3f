// Counts requests and tracks those in flight. Runs in the worker, on the path of every request: two clock reads, one look-up at the start
// and one at the end, no allocation and no listener per request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { type BeatExtra, LATENCY_BOUNDS_MS, type RequestInFlight } from '../../protocol/messages.ts';
import { withoutQuery } from '../../protocol/request-kind.ts';
import { TALLY_LATENCIES, TALLY_LATENCY_SUM, TALLY_NUMBERS, TALLY_STATUS } from '../../protocol/scoreboard-layout.ts';
import * as clock from '../clock.ts';
import { allConnections, type Connection, connectionOf, whenLost, whenSession } from '../connections/connections.ts';
import { isPlain } from '../connections/movable.ts';
import { isBareKnown, learnBare } from '../connections/own-state.ts';
import { guarded, on, subscribe } from '../guard.ts';
import type { AnyServer } from '../listen/servers.ts';

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  socket: Socket;
  server: AnyServer;
}

/** All counts for the primary, in the layout of the scoreboard. */
const tally = new Float64Array(TALLY_NUMBERS);
const status = tally.subarray(TALLY_STATUS, TALLY_LATENCIES);
const latency = tally.subarray(TALLY_LATENCIES, TALLY_LATENCY_SUM);
const streams = new Map<ServerHttp2Stream, { startedAt: number; method: string; path: string }>();
let total = 0;
let active = 0;
let counted: ((now: number) => void) | null = null;
let answered: ((connection: Connection) => void) | null = null;
let gate: ((connection: Connection, exchange: Exchange) => boolean) | null = null;

export function countRequests(): void {
  subscribe('http.server.request.start', onStart);
  subscribe('http.server.response.finish', onFinish);
  // An incomplete answer ends with its connection.
  whenLost((connection) => {
    active -= connection.pending;
    status[0] = (status[0] ?? 0) + connection.pending;
    if (connection.pending > 0) counted?.(clock.now());
    connection.pending = 0;
  });
  whenSession((session) => {
    on(session, 'stream', onStream);
  });
}

/** The gate is asked about each request before the application gets it; false: the application must not get it. */
export function setGate(to: typeof gate): void {
  gate = to;
}

/** `to` is called with each connection whose last pending answer was just completed. */
export function setAnswered(to: typeof answered): void {
  answered = to;
}

/** The live counts. Read only. */
export function requestTally(): Float64Array {
  return tally;
}

/** `to` is called with the time whenever the tally has changed. */
export function setCounted(to: typeof counted): void {
  counted = to;
}

export function requestCounts(): { total: number; active: number } {
  // The application may have removed our listener.
  for (const [stream, begun] of streams) if (stream.destroyed) endStream(stream, begun.startedAt);
  return { total, active };
}

export function requestExtra(): Pick<BeatExtra, 'status' | 'latencyBuckets' | 'latencySumMs'> {
  return {
    status: Array.from(status),
    latencyBuckets: { le: LATENCY_BOUNDS_MS, counts: Array.from(latency) },
    latencySumMs: Math.round((tally[TALLY_LATENCY_SUM] ?? 0) * 1000) / 1000,
  };
}

/** The open streams of HTTP/2. */
export function* openStreams(): Iterable<{ stream: ServerHttp2Stream; method: string; path: string }> {
  for (const [stream, { method, path }] of streams) yield { stream, method, path };
}

/** Oldest first. */
export function requestsInFlight(): RequestInFlight[] {
  const now = clock.now();
  const found: RequestInFlight[] = [];
  const add = (method: string | undefined, path: string | undefined, startedAt: number): void => {
    found.push({ method: method ?? '?', path: withoutQuery(path ?? '?'), ageMs: Math.round(now - startedAt) });
  };
  for (const connection of allConnections()) {
    if (connection.pending === 0) continue;
    add(connection.method, connection.url, connection.startedAt);
    for (const each of connection.more ?? []) add(each.method, each.url, each.startedAt);
  }
  for (const each of streams.values()) add(each.method, each.path, each.startedAt);
  return found.sort((a, b) => b.ageMs - a.ageMs);
}

const onStart = guarded('the count of requests', (message: unknown) => {
  const exchange = message as Exchange;
  const connection = connectionOf(exchange.socket, exchange.server);
  if (connection === null) return;
  if (gate !== null && !gate(connection, exchange)) return;
  const startedAt = clock.now();
  total++;
  active++;
  if (connection.requests++ === 0 && !isBareKnown() && isPlain(connection)) learnBare(connection.socket);
  if (connection.adopted) {
    // Until now the connection was under the timeout for idle ones.
    connection.adopted = false;
    exchange.socket.setTimeout(exchange.server.timeout || 0);
  }
  connection.last = exchange.response;
  if (connection.pending++ === 0) {
    const { request } = exchange;
    connection.request = request;
    connection.method = request.method as string;
    connection.url = request.url as string;
    connection.response = exchange.response;
    connection.startedAt = startedAt;
  } else {
    connection.more ??= [];
    const { request, response } = exchange;
    const { method, url } = request as { method: string; url: string };
    connection.more.push({ request, method, url, response, startedAt });
  }
});

const onFinish = guarded('the count of requests', (message: unknown) => {
  const exchange = message as Exchange;
  const connection = connectionOf(exchange.socket, exchange.server);
  // Answers end in the order of their requests. One that is not the oldest was never counted.
  if (connection === null || connection.response !== exchange.response) return;
  const now = clock.now();
  active--;
  measure(exchange.response.statusCode, connection.startedAt, now);
  connection.answeredMethod = connection.method;
  connection.answeredUrl = connection.url;
  const next = --connection.pending > 0 ? connection.more?.shift() : undefined;
  connection.request = next?.request ?? null;
  if (next !== undefined) {
    connection.method = next.method;
    connection.url = next.url;
  }
  connection.response = next?.response ?? null;
  connection.startedAt = next?.startedAt ?? 0;
  connection.idleSince = now;
  if (connection.last === exchange.response) connection.last = null;
  if (answered !== null && connection.pending === 0) answered(connection);
});

const onStream = guarded('the count of requests', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  const startedAt = clock.now();
  total++;
  active++;
  streams.set(stream, { startedAt, method: headers[':method'] ?? '?', path: headers[':path'] ?? '?' });
  on(stream, 'close', onStreamEnd);
});

const onStreamEnd = guarded('the count of requests', function (this: ServerHttp2Stream) {
  const begun = streams.get(this);
  if (begun !== undefined) endStream(this, begun.startedAt);
});

function endStream(stream: ServerHttp2Stream, startedAt: number): void {
  if (!streams.delete(stream)) return;
  active--;
  const code = stream.sentHeaders?.[':status'];
  if (code === undefined || stream.rstCode !== 0) {
    status[0] = (status[0] ?? 0) + 1;
    counted?.(clock.now());
  } else measure(Number(code), startedAt, clock.now());
}

function measure(code: number, startedAt: number, now: number): void {
  const ms = now - startedAt;
  const klass = (code / 100) | 0;
  if (klass >= 1 && klass <= 5) status[klass] = (status[klass] ?? 0) + 1;
  const bucket = bucketOf(ms);
  latency[bucket] = (latency[bucket] ?? 0) + 1;
  tally[TALLY_LATENCY_SUM] = (tally[TALLY_LATENCY_SUM] ?? 0) + ms;
  counted?.(now);
}

/** The first bucket whose bound is not exceeded, by binary search, because this runs for every request. */
function bucketOf(ms: number): number {
  let low = 0;
  let high = LATENCY_BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ms > (LATENCY_BOUNDS_MS[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
