// One door of the admin API: a listening socket that becomes an HTTP server with its first client (primary). Until then node:http is not
// loaded: most supervisors are asked for nothing for days, and it would cost each of them 2 MB. Here a client costs the primary no more than
// it may: one request at a time per connection, a bounded number of connections, a share of the loop.

import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server as SocketServer } from 'node:net';
import type { EventStream } from '../api/event-stream.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { isOwnUser } from './peer-user.ts';
import { type Client, Places, SWEEP_MS } from './places.ts';
import { Turns } from './turns.ts';

/** Silent clients give their places back soon. */
const limits = {
  requestTimeout: 10_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16 * 1024,
};

/** A request with what its door knows of it. */
export interface Visit {
  /** Whether a process of this user, or of root, asks. Of use on loopback only. */
  isOwnUser(): Promise<boolean>;
  /** This door's. */
  streams: Set<EventStream>;
  /** It may take as long as it takes. */
  stay(): void;
}

export type Serve = (request: IncomingMessage, response: ServerResponse, visit: Visit) => void;

export class DoorServer {
  /** What is to be bound. */
  readonly socket: SocketServer;
  readonly streams = new Set<EventStream>();
  /** Answers that have not gone yet. */
  readonly answering = new Set<ServerResponse>();
  readonly #serve: Serve;
  readonly #places = new Places();
  readonly #turns = new Turns();
  readonly #clients = new WeakMap<object, { client: Client; connection: OneAtATime; isOwnUser: Visit['isOwnUser'] }>();
  #isClosing = false;
  #http: HttpServer | null = null;
  #sweep: NodeJS.Timeout | null = null;

  constructor(serve: Serve) {
    this.#serve = serve;
    // As node:http has it: a client may end its half first and still read the answer.
    this.socket = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
      const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = raw;
      const connection = new OneAtATime(raw);
      connection.on('error', () => {});
      const client: Client = {
        address: remoteAddress,
        unreadBytes: () => connection.writableLength,
        leave: () => connection.destroy(),
      };
      let own: Promise<boolean> | null = null;
      const asked = () => isOwnUser({ remoteAddress, remotePort, localAddress, localPort });
      this.#clients.set(connection, { client, connection, isOwnUser: () => (own ??= asked()) });
      connection.once('close', () => this.#places.left(client));
      this.#places.enter(client);
      if (connection.destroyed) return;
      this.#watch();
      this.#wake().emit('connection', connection);
    });
    // A listening socket that fails (EMFILE) must not end the app it belongs to.
    this.socket.on('error', () => {});
  }

  /** Takes no new client and serves no new request, ends the streams; `done` when the last client has gone. */
  close(done?: () => void): void {
    this.#isClosing = true;
    this.#http?.close();
    this.socket.close(done);
    for (const stream of [...this.streams]) stream.end();
  }

  closeAllConnections(): void {
    this.#http?.closeAllConnections();
  }

  #wake(): HttpServer {
    if (this.#http !== null) return this.#http;
    this.#http = createHttpServer(limits, (request, response) => this.#ask(request, response));
    // It listens through us. Without this it would not watch its connections, and never close those that stay silent.
    this.#http.emit('listening');
    return this.#http;
  }

  #ask(request: IncomingMessage, response: ServerResponse): void {
    const known = this.#clients.get(request.socket);
    if (known === undefined) {
      response.destroy();
      return;
    }
    const { client, connection, isOwnUser } = known;
    let isGone = false;
    this.answering.add(response);
    response.once('close', () => {
      isGone = true;
      this.answering.delete(response);
      this.#places.becomes(client, 'silent');
      if (this.#isClosing) connection.destroySoon();
      else connection.next();
    });
    this.#places.becomes(client, 'asking');
    if (request.headers['transfer-encoding'] !== undefined) {
      refuseChunks(response);
      return;
    }
    connection.expectBody(Number(request.headers['content-length'] ?? 0));
    const stay = () => this.#places.becomes(client, 'staying');
    this.#turns.take(isProbe(request.url), () => {
      if (isGone) return;
      if (this.#isClosing) {
        connection.destroy();
        return;
      }
      this.#serve(request, response, { isOwnUser, streams: this.streams, stay });
      this.#places.sweep();
    });
  }

  #watch(): void {
    this.#sweep ??= setInterval(() => {
      this.#places.sweep();
      if (this.#places.size > 0 || this.#sweep === null) return;
      clearInterval(this.#sweep);
      this.#sweep = null;
    }, SWEEP_MS).unref();
  }
}

function isProbe(url = ''): boolean {
  return /^\/(livez|readyz)(\?|$)/.test(url);
}

/** Where such a body ends is known when it has been read. */
function refuseChunks(response: ServerResponse): void {
  const message = 'Send the body in one piece, with a Content-Length.';
  response.writeHead(411, { 'content-type': 'application/json; charset=utf-8', connection: 'close' });
  response.end(JSON.stringify({ schema: 1, error: { code: 'length', message } }));
}
