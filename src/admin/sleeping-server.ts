// A listening socket that becomes an HTTP server with its first client (primary). Until then node:http is not loaded: most supervisors
// are asked for nothing for days, and it would cost each of them 2 MB.

import type { Server as HttpServer } from 'node:http';
import { createServer, type Server as SocketServer } from 'node:net';

export class SleepingServer {
  /** What is to be bound. */
  readonly socket: SocketServer;
  #http: HttpServer | null = null;

  constructor(wake: () => HttpServer, maxConnections: number) {
    // As node:http has it: a client may end its half first and still read the answer.
    this.socket = createServer({ allowHalfOpen: true }, (connection) => {
      if (this.#http === null) {
        this.#http = wake();
        // It listens through us. Without this it would not watch its connections, and never close those that stay silent.
        this.#http.emit('listening');
      }
      this.#http.emit('connection', connection);
    });
    this.socket.maxConnections = maxConnections;
    // A listening socket that fails (EMFILE) must not end the app it belongs to.
    this.socket.on('error', () => {});
  }

  /** Takes no new client; `done` when the last one has gone. */
  close(done?: () => void): void {
    this.#http?.close();
    this.socket.close(done);
  }

  closeAllConnections(): void {
    this.#http?.closeAllConnections();
  }
}
