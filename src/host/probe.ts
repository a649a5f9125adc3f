// Asks one particular worker for a page (primary). The public port would be answered by any of them, so the primary opens a
// private socket, connects to it itself, and sends the accepted end to the worker it means.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import type { RawHandle, WorkerProcess } from './worker-process.ts';

export interface ProbeRequest {
  path: string;
  timeoutMs: number;
  /** Folder for the private socket, which no one else may enter. */
  folder: string;
}

export interface ProbeResult {
  ok: boolean;
  detail: string;
}

interface Opened {
  server?: Server;
  client?: Socket;
  accepted?: Socket;
}

let count = 0;

/** Passes with any answer of 2xx or 3xx. Never rejects. */
export async function probe(worker: WorkerProcess, request: ProbeRequest): Promise<ProbeResult> {
  const opened: Opened = {};
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${request.timeoutMs} ms`)), request.timeoutMs);
    });
    const { status, text } = await Promise.race([late, ask(worker, request, opened)]);
    const ok = status >= 200 && status < 400;
    const detail = `GET ${request.path} was answered with ${status}`;
    return { ok, detail: ok || text === '' ? detail : `${detail}: ${text}` };
  } catch (error) {
    return {
      ok: false,
      detail: `GET ${request.path} failed: ${error instanceof Error ? error.message : String(error)}`,
    };
  } finally {
    clearTimeout(timer);
    opened.client?.destroy();
    opened.accepted?.destroy();
    opened.server?.close();
  }
}

async function ask(
  worker: WorkerProcess,
  { path, folder }: ProbeRequest,
  opened: Opened,
): Promise<{ status: number; text: string }> {
  const server = createServer({ pauseOnConnect: true });
  opened.server = server;
  count += 1;
  const address =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\tutti-${process.pid}-${count}`
      : join(folder, `probe-${process.pid}-${count}.sock`);
  await new Promise<void>((done, fail) => server.once('error', fail).listen(address, done));

  const accepted = new Promise<Socket>((done) =>
    server.once('connection', (socket) => {
      opened.accepted = socket;
      done(socket);
    }),
  );
  const client = netConnect(address);
  opened.client = client;
  // Node destroys it with an error when the other end breaks off; the request reports that.
  client.on('error', () => {});
  await new Promise<void>((done, fail) => client.once('connect', done).once('error', fail));
  await give(worker, await accepted);
  return await get(client, path, worker.scheme);
}

/** Sends the raw handle, as the worker's server expects it; this process keeps no end of it. */
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

function get(socket: Socket, path: string, scheme: 'http' | 'https'): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const options = { path, host: 'localhost', headers: { connection: 'close', 'user-agent': 'tutti-probe' } };
    const answer = (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < 200) text = (text + chunk).slice(0, 200);
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, text: text.trim() }));
      // A page that never ends has passed all the same.
      if ((response.statusCode ?? 0) < 400) done({ status: response.statusCode ?? 0, text: '' });
      response.on('error', fail);
    };
    const request =
      scheme === 'https'
        ? // The certificate is for the public name, and the other end is known anyway.
          httpsRequest(
            { ...options, createConnection: () => tlsConnect({ socket, rejectUnauthorized: false }) },
            answer,
          )
        : httpRequest({ ...options, createConnection: () => socket }, answer);
    request.once('error', fail);
    request.end();
  });
}
