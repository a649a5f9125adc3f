// Asks one particular worker for a page (primary). On the public port any worker would answer, so the primary opens a private socket,
// connects to it, and sends the accepted end to that worker. The worker's side is src/worker/inspect/probe.ts.

import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { type Answer, getPage, mayBeHttp2, type Protocol } from './probe-request.ts';

export interface ProbeRequest {
  path: string;
  timeoutMs: number;
  /** Folder for the private socket, closed to everybody else. */
  folder: () => string;
}

export interface ProbeResult {
  ok: boolean;
  detail: string;
}

/** What must be closed in the end, whatever happens. */
interface Opened {
  servers: Server[];
  sockets: Socket[];
  isOver: boolean;
}

let count = 0;

/** Passes with any 2xx or 3xx answer. Never rejects. */
export async function probe(worker: WorkerProcess, request: ProbeRequest): Promise<ProbeResult> {
  const { path, timeoutMs } = request;
  const opened: Opened = { servers: [], sockets: [], isOver: false };
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    const { status, text } = await Promise.race([late, ask(worker, request, opened)]);
    const ok = status >= 200 && status < 400;
    const detail = `GET ${path} was answered with ${status}`;
    return { ok, detail: ok || text === '' ? detail : `${detail}: ${text}` };
  } catch (error) {
    return { ok: false, detail: `GET ${path} failed: ${messageOf(error)}` };
  } finally {
    clearTimeout(timer);
    opened.isOver = true;
    for (const socket of opened.sockets) socket.destroy();
    for (const server of opened.servers) server.close();
  }
}

async function ask(worker: WorkerProcess, request: ProbeRequest, opened: Opened): Promise<Answer> {
  const over = async (protocol: Protocol) =>
    getPage(await connectTo(worker, request.folder, opened), request.path, protocol);
  if (worker.scheme === 'https') return over('https');
  try {
    return await over('http');
  } catch (error) {
    // Without TLS nothing tells in advance that a server speaks only HTTP/2.
    if (!mayBeHttp2(error)) throw error;
    return over('http2').catch(() => {
      throw error;
    });
  }
}

/** A connection whose other end the worker has. */
async function connectTo(worker: WorkerProcess, folder: () => string, opened: Opened): Promise<Socket> {
  if (opened.isOver) throw new Error('the probe is over');
  const server = createServer({ pauseOnConnect: true });
  opened.servers.push(server);
  count += 1;
  const address =
    process.platform === 'win32' ? `\\\\.\\pipe\\tutti-${process.pid}-${count}` : join(folder(), `probe-${count}.sock`);
  await new Promise<void>((done, fail) => server.once('error', fail).listen(address, done));

  const accepted = new Promise<Socket>((done) =>
    server.once('connection', (socket) => {
      opened.sockets.push(socket);
      done(socket);
    }),
  );
  const client = netConnect(address);
  opened.sockets.push(client);
  // Node destroys it with an error when the other end breaks off; the request reports that.
  client.on('error', () => {});
  await new Promise<void>((done, fail) => client.once('connect', done).once('error', fail));
  await give(worker, await accepted);
  return client;
}

/** Sends the raw handle, as the worker's server expects it. This process keeps no copy. */
function give(worker: WorkerProcess, socket: Socket): Promise<void> {
  const handle = (socket as Socket & { _handle: RawHandle })._handle;
  return new Promise((done, fail) => {
    worker.send({ cmd: 'NODE_TUTTI_PROBE' }, handle, (error) => {
      socket.destroy();
      if (error) fail(error);
      else done();
    });
  });
}
