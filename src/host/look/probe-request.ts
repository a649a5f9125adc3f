// One GET over a connection that is already there, in whatever the server speaks (primary).

import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';

export type Protocol = 'http' | 'https' | 'http2';

export interface Answer {
  status: number;
  /** The beginning of the page, where the status says that something is wrong. */
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

/** How HTTP/1 fails at a server that speaks HTTP/2 only: by what that says first, or by its closing the connection. */
export function mayBeHttp2(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('HPE_') || code === 'ECONNRESET' || code === 'EPIPE';
}

function secured(socket: Duplex): Promise<TLSSocket> {
  return new Promise((done, fail) => {
    // The certificate is for the public name, and the other end is known anyway.
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
    // An end without an error is a failure too, unless the answer has come by then.
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
  // A page that never ends has passed all the same.
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
