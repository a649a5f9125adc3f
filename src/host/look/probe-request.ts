// One GET over an existing connection, in the protocol that the server speaks (primary).

import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';

export type Protocol = 'http' | 'https' | 'http2';

export interface Answer {
  status: number;
  /** The beginning of the page, if the status is a failure. */
  text: string;
}

const MOST_CHARACTERS = 200;
const USER_AGENT = 'tutti-probe';

export async function getPage(socket: Duplex, path: string, protocol: Protocol): Promise<Answer> {
  if (protocol === 'http') return getHttp1(socket, path);
  if (protocol === 'http2') return getHttp2(socket, path, 'http');
  const secure = await secured(socket);
  return secure.alpnProtocol === 'h2' ? getHttp2(secure, path, 'https') : getHttp1(secure, path);
}

/** Whether an HTTP/1 request failed as it does at a server that speaks only HTTP/2: by its first bytes, or by a closed connection. */
export function mayBeHttp2(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('HPE_') || code === 'ECONNRESET' || code === 'EPIPE';
}

function secured(socket: Duplex): Promise<TLSSocket> {
  return new Promise((done, fail) => {
    // The certificate is for the public name, and who is at the other end is known anyway.
    const secure = tlsConnect({ socket, rejectUnauthorized: false, ALPNProtocols: ['http/1.1', 'h2'] }, () =>
      done(secure),
    );
    secure.on('error', fail);
  });
}

function getHttp1(socket: Duplex, path: string): Promise<Answer> {
  return new Promise((done, fail) => {
    const headers = { host: 'localhost', connection: 'close', 'user-agent': USER_AGENT };
    const request = httpRequest({ path, host: 'localhost', headers, createConnection: () => socket });
    request.on('error', fail);
    request.on('response', (response: IncomingMessage) => readAnswer(response, response.statusCode ?? 0, done, fail));
    request.end();
  });
}

async function getHttp2(socket: Duplex, path: string, scheme: 'http' | 'https'): Promise<Answer> {
  const { connect } = await import('node:http2');
  return new Promise((done, fail) => {
    const session = connect(`${scheme}://localhost`, { createConnection: () => socket });
    session.on('error', fail);
    const stream = session.request({ ':path': path, 'user-agent': USER_AGENT });
    stream.on('error', fail);
    // A close without an error is a failure too, unless the answer has come by then.
    stream.on('close', () => fail(new Error('the connection was closed without an answer')));
    stream.on('response', (headers) => readAnswer(stream, Number(headers[':status'] ?? 0), done, fail));
    stream.end();
  });
}

function readAnswer(
  body: Duplex | IncomingMessage,
  status: number,
  done: (answer: Answer) => void,
  fail: (error: Error) => void,
): void {
  // A page that never ends passes too.
  if (status < 400) {
    done({ status, text: '' });
    return;
  }
  let text = '';
  body.setEncoding('utf8');
  body.on('error', fail);
  body.on('data', (chunk: string) => {
    text = (text + chunk).slice(0, MOST_CHARACTERS);
  });
  body.on('end', () => done({ status, text: text.trim() }));
}
