// Puts a connection that was taken over where Node has one that waits for its next request: its timeouts for headers and requests
// do not run, and begin with the next byte. Runs in the worker. Leans on Node's private HTTP/1 parser, and is tried out first.

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

/** Whether this Node's parsers can be put there. Where not, a connection that was used must stay with its worker. */
export function canResume(): boolean {
  works ??= tryOut();
  return works;
}

/** `socket`: an accepted HTTP/1 connection of which this process has not read anything. */
export function resumeBetweenRequests(socket: Socket | Duplex): void {
  const { parser } = socket as Parsed;
  if (parser && canResume()) passOver(parser);
}

/**
 * The only way there is the one that every parser goes: it reads a whole request. Nobody is told of this one. Without a socket
 * Node makes it of its own class of messages, not of the application's.
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

/** On a server that never listens: afterwards the parser is idle, answers, and its time for headers runs from half a head on. */
function tryOut(): boolean {
  // The application has loaded it: it has such a server.
  const { Server } = process.getBuiltinModule('node:http') as typeof http;
  const server = new Server() as http.Server & AnyServer;
  const socket: Parsed = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  try {
    // Called, not emitted: nobody who listens in on events is to learn of it.
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
