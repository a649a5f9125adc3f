// One client of the load generator: HTTP/1.1 spoken on a raw socket, one request at a time, so that nothing retries, pools or hides a
// failure.

import { connect, type Socket } from 'node:net';
import { type RawAnswer, readAnswer } from './raw-answer.ts';

export class RequestFailed extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

interface Pending {
  resolve: (answer: RawAnswer) => void;
  reject: (error: RequestFailed) => void;
}

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
    const read = readAnswer(this.#received);
    if (read === null) return;
    const pending = this.#pending;
    // No answer, one that nobody asked for, or more than one to one question.
    if (read === 'corrupt' || pending === null || read.rest.length > 0) {
      this.#end('corrupt');
      return;
    }
    this.#received = read.rest;
    this.#pending = null;
    this.pid = read.answer.pid;
    this.answered += 1;
    pending.resolve(read.answer);
  }
}
