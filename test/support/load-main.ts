// The load generator's process: started by load.ts, told what to do in argv, stopped by a message, answers with the counts.

import { setTimeout as delay } from 'node:timers/promises';
import type { Failure, LoadOptions, LoadResult } from './load.ts';
import { LoadConnection, RequestFailed } from './load-client.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as Required<LoadOptions>;
const started = performance.now();
const result: LoadResult = {
  ok: 0,
  failures: [],
  hung: 0,
  connections: 0,
  byPid: {},
  byVersion: {},
  maxMs: 0,
  durationMs: 0,
};
let stopping = false;

process.on('message', (message) => {
  if (message === 'stop') stopping = true;
});
process.on('disconnect', () => process.exit(1));
const progress = setInterval(
  () => process.send?.({ type: 'progress', ok: result.ok, failed: result.failures.length }),
  50,
);

const clients: Promise<void>[] = [];
for (let i = 0; i < options.keepAlive; i += 1) {
  // Half of them never pause; the others think, so that connections are idle when a worker begins to drain.
  clients.push(keepAliveClient(i, i % 2 === 0 ? 0 : options.thinkMs));
}
for (let i = 0; i < options.fresh; i += 1) clients.push(freshClient(options.keepAlive + i));
await Promise.all(clients);
clearInterval(progress);
result.durationMs = performance.now() - started;
process.send?.({ type: 'result', result }, () => process.disconnect());

async function keepAliveClient(id: number, thinkMs: number): Promise<void> {
  let connection: LoadConnection | null = null;
  for (let n = 0; !stopping; n += 1) {
    if (connection === null || !connection.usable) {
      connection = open();
    }
    const goesOn = await ask(connection, id, n, false);
    if (!goesOn) {
      connection.close();
      connection = null;
    }
    if (thinkMs > 0) await delay(Math.random() * thinkMs);
  }
  connection?.close();
}

async function freshClient(id: number): Promise<void> {
  for (let n = 0; !stopping; n += 1) {
    const connection = open();
    await ask(connection, id, n, true);
    connection.close();
    if (options.freshThinkMs > 0) await delay(Math.random() * options.freshThinkMs);
  }
}

function open(): LoadConnection {
  result.connections += 1;
  return new LoadConnection(options.port, options.host);
}

/** One request and the check of its answer. True: the connection may be used again. */
async function ask(connection: LoadConnection, id: number, n: number, fresh: boolean): Promise<boolean> {
  const posts = !options.gets && n % 2 === 1;
  const body = posts ? bodyOf(id, n) : null;
  const head =
    `${posts ? 'POST' : 'GET'} ${options.path} HTTP/1.1\r\nhost: localhost\r\n` +
    `${fresh ? 'connection: close\r\n' : ''}${body ? `content-length: ${body.length}\r\n` : ''}\r\n`;
  const from = performance.now();
  try {
    const answer = await connection.request(head, body, options.timeoutMs);
    const right =
      answer.status === 200 && (body ? answer.body.equals(body) : answer.body.toString('latin1', 0, 5) === 'hello');
    if (!right) throw new RequestFailed(answer.status === 200 ? 'corrupt' : `status ${answer.status}`);
    result.ok += 1;
    result.maxMs = Math.max(result.maxMs, performance.now() - from);
    if (answer.pid !== null) result.byPid[answer.pid] = (result.byPid[answer.pid] ?? 0) + 1;
    if (answer.version !== null) result.byVersion[answer.version] = (result.byVersion[answer.version] ?? 0) + 1;
    return !answer.last;
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    fail({
      code: error.code,
      method: posts ? 'POST' : 'GET',
      pid: connection.pid,
      answeredBefore: connection.answered,
      clientPort: connection.clientPort,
      atMs: Math.round(performance.timeOrigin + from),
      afterMs: Math.round(performance.now() - from),
    });
    // A server that refuses must not make this a busy loop.
    await delay(5);
    return false;
  }
}

function fail(failure: Failure): void {
  if (failure.code === 'hung') result.hung += 1;
  result.failures.push(failure);
}

/** Different for each request, so that an answer to somebody else's question is noticed. */
function bodyOf(id: number, n: number): Buffer {
  return Buffer.from(`client ${id} request ${n} `.repeat(1 + ((id + n) % 40)));
}
