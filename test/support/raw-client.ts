// A client that writes bytes and keeps what comes back: for what no HTTP library would send.

import net from 'node:net';
import tls from 'node:tls';
import { eventually } from './eventually.ts';

export class RawClient {
  text = '';
  ended = false;
  closed = false;
  error: Error | null = null;
  readonly socket: net.Socket;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      this.text += chunk;
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** One request; the answer is awaited by `answers`. */
  get(path: string, headers = ''): void {
    this.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  }

  get answers(): number {
    return this.text.split('HTTP/1.1 200').length - 1;
  }

  async until(what: string, holds: (client: RawClient) => boolean): Promise<void> {
    await eventually(what, () => holds(this)).catch((error: Error) => {
      const state = this.error ?? (this.closed ? 'closed' : this.ended ? 'ended' : 'open');
      throw new Error(`${error.message} Got: ${JSON.stringify(this.text)}, ${state}`);
    });
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export async function connect(port: number, { secure = false, allowHalfOpen = false } = {}): Promise<RawClient> {
  const host = '127.0.0.1';
  const socket = secure
    ? tls.connect({ port, host, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    : net.connect({ port, host, allowHalfOpen });
  const client = new RawClient(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once(secure ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
  });
  return client;
}
