// One client of the load generator: HTTP/1.1 spoken on a raw socket, so that nothing retries, pools or hides a failure.
// It understands answers with a Content-Length, which is all that the fixtures under load send.

import { connect, type Socket } from 'node:net';

export class RequestFailed extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export interface RawAnswer {
  status: number;
  pid: number | null;
  version: string | null;
  body: Buffer;
  /** The server said that it closes the connection after this answer. */
  last: boolean;
}

interface Pending {
  resolve: (answer: RawAnswer) => void;
  reject: (error: RequestFailed) => void;
}

const headEnd = Buffer.from('\r\n\r\n');

export class LoadConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #pending: Pending | null = null;
  #over: string | null = null;
  /** The process that answered last on this connection. */
  pid: number | null = null;
  answered = 0;
  clientPort: number | null = null;

  constructor(port: number, host: string) {
    this.#socket = connect({ port, host, noDelay: true });
    this.#socket.on('connect', () => {
      this.clientPort = this.#socket.localPort ?? null;
    });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? 'error'));
    this.#socket.on('end', () => this.#end('closed'));
    this.#socket.on('close', () => this.#end('closed'));
  }

  /** False once either side has closed: the next request needs a new connection. */
  get usable(): boolean {
    return this.#over === null;
  }

  request(head: string, body: Buffer | null, timeoutMs: number): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#over !== null) return reject(new RequestFailed(this.#over));
      const timer = setTimeout(() => {
        this.#end('hung');
      }, timeoutMs);
      this.#pending = {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      if (body === null) this.#socket.write(head, 'latin1');
      else this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), body]));
    });
  }

  close(): void {
    this.#over ??= 'closed by the client';
    this.#socket.destroy();
  }

  #end(code: string): void {
    if (this.#over !== null) return;
    this.#over = code;
    this.#socket.destroy();
    const pending = this.#pending;
    this.#pending = null;
    pending?.reject(new RequestFailed(code));
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf(headEnd);
    if (end === -1) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
    if (length === undefined || status === undefined) {
      this.#end('corrupt');
      return;
    }
    const total = end + 4 + Number(length);
    if (this.#received.length < total) return;
    const body = this.#received.subarray(end + 4, total);
    this.#received = this.#received.subarray(total);
    const pending = this.#pending;
    // An answer that nobody asked for, or more than one answer to one question.
    if (pending === null || this.#received.length > 0) {
      this.#end('corrupt');
      return;
    }
    this.#pending = null;
    this.pid = Number(/\r\nx-pid: *(\d+)/i.exec(head)?.[1] ?? Number.NaN) || null;
    this.answered += 1;
    pending.resolve({
      status: Number(status),
      pid: this.pid,
      version: /\r\nx-version: *([^\r]*)/i.exec(head)?.[1] ?? null,
      body,
      last: /\r\nconnection: *close/i.test(head),
    });
  }
}
