// Every connection that a net.Server of this worker holds, without a listener on any of them: Node counts them itself,
// and the dead ones are swept out now and then.

import diagnostics from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';

/** The part of a server's socket that is not public. */
export interface ServerSocket extends Socket {
  server?: ServerWithCount | null;
}

export interface ServerWithCount extends Server {
  /** Maintained by Node: +1 on accept, −1 when the socket has closed. */
  _connections: number;
}

export class ServerConnections {
  readonly #sockets = new Set<ServerSocket>();
  #sweepAt = 64;
  /** Accepted since the start, wherever the connection came from. */
  accepted = 0;
  readonly #onSocket = (message: unknown): void => {
    this.accepted += 1;
    this.#sockets.add((message as { socket: ServerSocket }).socket);
    if (this.#sockets.size >= this.#sweepAt) this.#sweep();
  };

  watch(): void {
    diagnostics.subscribe('net.server.socket', this.#onSocket);
  }

  /** Only those that are open. */
  *[Symbol.iterator](): Generator<ServerSocket> {
    for (const socket of this.#sockets) {
      if (socket.destroyed) this.#sockets.delete(socket);
      else yield socket;
    }
  }

  get size(): number {
    this.#sweep();
    return this.#sockets.size;
  }

  #sweep(): void {
    for (const socket of this.#sockets) if (socket.destroyed) this.#sockets.delete(socket);
    this.#sweepAt = 64 + Math.ceil(this.#sockets.size * 1.25);
  }
}
