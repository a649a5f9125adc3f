// The client for tests that ask and want an answer: one request of node:http on a connection of its own, or on `agent`. What is sent as
// bytes is raw-client.ts; what loads a server is load.ts, or chaotic-client.ts where it is to be abused.

import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The process that answered, where the fixture says so. */
  pid: number;
}

export interface Ask {
  port?: number;
  host?: string;
  socketPath?: string;
  path?: string;
  method?: string;
  body?: string;
  headers?: Record<string, string>;
  agent?: Agent;
  timeoutMs?: number;
  /** How the bytes of the body become characters; `latin1` keeps each. */
  encoding?: BufferEncoding;
  /** Called when the head of the answer has come. */
  onHead?: () => void;
}

export function fetch(ask: Ask): Promise<Answer> {
  const { port, host = '127.0.0.1', socketPath, path = '/', method = 'GET', body, headers = {}, agent } = ask;
  const timeoutMs = ask.timeoutMs ?? 30_000;
  return new Promise((resolve, reject) => {
    const where = socketPath === undefined ? { host, port } : { socketPath };
    const outgoing = request({ ...where, path, method, headers, agent: agent ?? false }, (response) => {
      ask.onHead?.();
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const pid = Number(response.headers['x-pid'] ?? Number.NaN);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(ask.encoding ?? 'utf8'),
          pid,
        });
      });
    });
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
