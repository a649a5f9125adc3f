// Puts a connection that was taken over into the state that Node gives to one waiting for its next request: the timeouts for headers and
// requests start with the next byte. Uses Node's private HTTP/1 parser, which is tried first. Runs in the worker.

import type http from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { AnyServer } from '../listen/servers.ts';
import { process } from '../own-process.ts';
import { parsersOf } from './idle.ts';

interface PrivateParser {
  socket: unknown;
  incoming: unknown;
  onIncoming: unknown;
  execute(data: Buffer): number | Error;
}

type Parsed = Duplex & { parser?: PrivateParser | null };

const REQUEST = Buffer.from('GET / HTTP/1.1\r\n\r\n');
const HALF_A_HEAD = Buffer.from('GET / HTTP/1.1\r\nHost: ');

let works: boolean | null = null;

/** Whether this Node's parsers can be put into that state. If not, a used connection must stay with its worker. */
export function canResume(): boolean {
  works ??= tryOut();
  return works;
}

/** `socket`: an accepted HTTP/1 connection from which this process has not read anything. */
export function resumeBetweenRequests(socket: Socket | Duplex): void {
  const { parser } = socket as Parsed;
  if (parser && canResume()) passOver(parser);
}

/**
 * The only way into that state is to read a whole request, of which nobody is told. Without a socket, Node uses its own message class for
 * it, not the application's.
 */
function passOver(parser: PrivateParser): boolean {
  const { socket, incoming, onIncoming } = parser;
  parser.socket = null;
  parser.onIncoming = () => 0;
  try {
    return parser.execute(REQUEST) === REQUEST.length;
  } finally {
    Object.assign(parser, { socket, incoming, onIncoming });
  }
}

/** Tries it on a server that never listens: then the parser must be idle, must answer, and must time the headers from half a head on. */
function tryOut(): boolean {
  // The application has such a server, so it has loaded node:http.
  const { Server } = process.getBuiltinModule('node:http') as typeof http;
  const server = new Server() as http.Server & AnyServer;
  const socket: Parsed = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  try {
    // Called, not emitted, so that nobody who intercepts events sees it.
    for (const event of ['listening', 'connection']) {
      for (const listener of server.listeners(event)) Reflect.apply(listener, server, [socket]);
    }
    const { parser } = socket;
    const list = parsersOf(server);
    if (!parser || list === null || !passOver(parser)) return false;
    const isIdle = list.idle().length === 1 && list.active().length === 0;
    let requests = 0;
    parser.onIncoming = () => {
      requests += 1;
      return 0;
    };
    const isRead = parser.execute(REQUEST) === REQUEST.length && requests === 1;
    return isIdle && isRead && parser.execute(HALF_A_HEAD) === HALF_A_HEAD.length && list.active().length === 1;
  } catch {
    return false;
  } finally {
    socket.destroy();
    server.close();
  }
}
