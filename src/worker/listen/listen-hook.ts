// Where tutti takes over in listen() and bind(), by private parts of Node: cluster._getServer, where net, dgram and pipes ask for their
// socket, net.Server's `_listen2`, and the arguments of listen() and bind(). They are tried before they are installed; if the try fails,
// Node's own cluster module answers the application. Runs in the worker.

import cluster from 'node:cluster';
import dgram from 'node:dgram';
import { EventEmitter } from 'node:events';
import net from 'node:net';
import { resolve } from 'node:path';
import type { ListenRequest, SocketName } from '../../protocol/messages.ts';
import { hold } from '../channel.ts';
import { attempt, guarded, off, on, once } from '../guard.ts';
import { process } from '../own-process.ts';
import { beginOwnDescriptors, isOwnSocket } from './own-descriptors.ts';

/** The part of net.Server that Node's own modules use. */
export interface PrivateServer extends net.Server {
  _handle: unknown;
  _connections: number;
  _pipeName?: string;
  _listen2(...args: unknown[]): void;
  _getServerData?(): unknown;
  _setServerData?(data: unknown): void;
  /** A TLS server's own keys, if the application gave it some. */
  ticketKeys?: unknown;
}

export interface Query {
  address: string | null;
  port: number | null;
  addressType: ListenRequest['addressType'];
  fd: number | null | undefined;
  flags: number | null | undefined;
  backlog?: number | null | undefined;
  readableAll?: boolean;
  writableAll?: boolean;
}

type Answer = (errno: number, handle: unknown) => void;
type GetServer = (server: unknown, query: Query, answer: Answer) => void;

export interface SeamHooks {
  /** A net.Server wants to listen. Answer with a handle whose listen() returns the errno, if any. */
  onServer(server: PrivateServer, request: Omit<ListenRequest, 'index'>, answer: ServerAnswer): void;
  /** A dgram socket wants to be bound. */
  onDatagram(socket: dgram.Socket, request: Omit<ListenRequest, 'index'>, answer: Answer): void;
  /** A net.Server is about to listen on a socket of this worker alone. Returns what to call if listen() does not even begin. */
  onPrivate(server: PrivateServer): () => void;
  /** +1: listen() began to look up a host name; −1: it went on or gave up. */
  onLookup(change: 1 | -1): void;
}

export type ServerAnswer = (handle: unknown, bound: Bound) => void;

export interface Bound {
  address: string | null;
  addressType: ListenRequest['addressType'];
  /** For an error to name: the port that it is about, where the application asked for another one. */
  port?: number;
}

/** Installs the hooks. Returns 'ok', or what is different in this Node, in which case nothing was changed. */
export function installListenHook(hooks: SeamHooks): 'ok' | string {
  const failure = selfTest();
  if (failure !== null) return failure;
  beginOwnDescriptors();
  const lookups = watchListen(hooks);
  watchBind();
  const module = cluster as unknown as { _getServer: GetServer };
  const original = module._getServer;
  module._getServer = (asking, query, answer) => {
    const request = attempt('the request for a socket', () => toRequest(asking, query), null);
    if (request === null) {
      original.call(cluster, asking, query, answer);
      return;
    }
    if (query.addressType === 'udp4' || query.addressType === 'udp6') {
      hooks.onDatagram(asking as dgram.Socket, request, answer);
      return;
    }
    const server = asking as PrivateServer;
    lookups.done(server);
    if (request.fd !== null && isOwnSocket(request.fd)) {
      hooks.onPrivate(server);
      server._listen2(query.address, query.port, query.addressType, query.backlog, query.fd, query.flags);
      return;
    }
    hooks.onServer(server, request, (handle, bound) => {
      const isAnywhere = query.address === null && bound.address !== null;
      if (!isAnywhere && bound.port === undefined) {
        answer(0, handle);
        return;
      }
      // Without a host, Node tries :: and then 0.0.0.0, and the errors and the connection key name the one it took.
      const original = server._listen2;
      server._listen2 = function (address, port, type, ...rest) {
        const where = isAnywhere ? [bound.address, bound.port ?? port, bound.addressType] : [address, bound.port, type];
        Reflect.apply(original, this, [...where, ...rest]);
      };
      try {
        answer(0, handle);
      } finally {
        Reflect.deleteProperty(server, '_listen2');
      }
    });
  };
  return 'ok';
}

/**
 * For the fallback to node:cluster: under plain node a pending listen() keeps the process alive, but the channel that asks for it here does
 * not.
 */
export function stayWhileAsking(): void {
  const module = cluster as unknown as { _getServer?: GetServer };
  const original = module._getServer;
  if (typeof original !== 'function') return;
  module._getServer = (asking, query, answer) => {
    const release = hold();
    original.call(cluster, asking, query, (errno, handle) => {
      release();
      answer(errno, handle);
    });
  };
}

function toRequest(asking: unknown, query: Query): Omit<ListenRequest, 'index'> {
  const server = asking as PrivateServer;
  const request: Omit<ListenRequest, 'index'> = {
    address: query.port === -1 ? absolute(query.address) : query.address,
    port: portOf(query),
    addressType: query.addressType,
    fd: typeof query.fd === 'number' && query.fd >= 0 ? query.fd : null,
    flags: query.flags ?? 0,
    backlog: Number(query.backlog) || null,
  };
  if (query.readableAll === true) request.readableAll = true;
  if (query.writableAll === true) request.writableAll = true;
  if (typeof server._getServerData === 'function') request.data = server._getServerData();
  return request;
}

/** dgram passes on what the application gave to bind(), which may be nothing or a string. */
function portOf({ port, addressType }: Query): number | null {
  if (port === null || typeof port === 'number') return port;
  return typeof addressType === 'string' ? Number(port ?? 0) : null;
}

/** The primary may run in another folder. Names in Linux's abstract namespace (a leading NUL) are not paths. */
function absolute(path: string | null): string | null {
  return path === null || path.startsWith('\0') || process.platform === 'win32' ? path : resolve(path);
}

/** Takes a server through listen(), a successful answer and close(), without a system call. */
function selfTest(): string | null {
  const module = cluster as unknown as { _getServer?: GetServer };
  const original = module._getServer;
  if (!cluster.isWorker) return 'this process is not a cluster worker';
  if (typeof original !== 'function') return 'cluster._getServer is gone';
  const server = new net.Server() as PrivateServer;
  if (typeof server._listen2 !== 'function') return 'net.Server#_listen2 is gone';
  if (typeof server._connections !== 'number') return 'net.Server#_connections is gone';
  let seen: Query | null = null;
  let bound: unknown;
  let closed = false;
  const handle: { onconnection?: unknown; [key: string]: unknown } = {
    listen: () => 0,
    close: () => {
      closed = true;
    },
    ref: () => {},
    unref: () => {},
    getsockname: (out: SocketName) => {
      Object.assign(out, { address: '127.0.0.1', family: 'IPv4', port: 1 });
      return 0;
    },
  };
  try {
    module._getServer = (_server, query, answer) => {
      seen = query;
      answer(0, handle);
    };
    on(
      server,
      'error',
      guarded('the test of listen()', () => {}),
    );
    server.listen({ port: 1, backlog: 7 });
    bound = server.address();
    server.close();
  } catch (error) {
    return `listen() fails with another handle: ${String(error)}`;
  } finally {
    module._getServer = original;
  }
  const query = seen as Query | null;
  if (query === null) return 'listen() does not ask the cluster module';
  if (query.port !== 1 || query.backlog !== 7) return 'listen() asks the cluster module in other words';
  if (typeof handle.onconnection !== 'function') return 'net.Server sets no onconnection';
  if ((bound as SocketName | null)?.port !== 1) return 'net.Server#address() does not ask the handle';
  if (!closed) return 'net.Server#close() does not close the handle';
  return null;
}

type ListenOptions = { exclusive?: boolean; reusePort?: boolean; port?: unknown; path?: unknown };

/** A port that the system chooses, or a pipe: each worker can have its own, as with node:cluster. */
function isPrivate(options: ListenOptions | null | undefined): boolean {
  if (typeof options !== 'object' || options === null || !options.exclusive) return false;
  return options.port === undefined ? typeof options.path === 'string' : Number(options.port) === 0;
}

/** `exclusive` on a named port and `reusePort` mean nothing inside one app. The caller's object is not changed. */
function watchListen(hooks: SeamHooks): { done(server: PrivateServer): void } {
  const lookups = new Map<PrivateServer, () => void>();
  const prototype = net.Server.prototype;
  const original = prototype.listen as (this: net.Server, ...args: unknown[]) => net.Server;
  const listen = function (this: PrivateServer, ...args: unknown[]): net.Server {
    const options = args[0] as ListenOptions | null | undefined;
    if (isPrivate(options)) {
      const failed = hooks.onPrivate(this);
      try {
        return Reflect.apply(original, this, args);
      } catch (error) {
        failed();
        throw error;
      }
    }
    if (typeof options === 'object' && options !== null && (options.exclusive || options.reusePort)) {
      args[0] = Object.create(options, {
        exclusive: { value: false, writable: true, enumerable: true },
        reusePort: { value: false, writable: true, enumerable: true },
      });
    }
    asked = null;
    const result = Reflect.apply(original, this, args);
    // It neither listens nor has asked for a socket: the host name is being looked up.
    if (this._handle == null && asked !== this && !lookups.has(this)) {
      const emitter = this as EventEmitter;
      const done = guarded('the look-up of a host name', () => {
        if (!lookups.delete(this)) return;
        off(emitter, EventEmitter.errorMonitor, done);
        off(emitter, 'close', done);
        hooks.onLookup(-1);
      });
      lookups.set(this, done);
      once(emitter, EventEmitter.errorMonitor, done);
      once(emitter, 'close', done);
      hooks.onLookup(1);
    }
    return result;
  };
  let asked: PrivateServer | null = null;
  Object.defineProperty(prototype, 'listen', { value: listen, writable: true, configurable: true, enumerable: true });
  return {
    done: (server) => {
      asked = server;
      lookups.get(server)?.();
    },
  };
}

/**
 * A UDP server's `exclusive` means nothing inside one app. But a socket on port 0 is a client: the answers to what one worker sent must not
 * reach another, so it is never shared.
 */
function watchBind(): void {
  const prototype = dgram.Socket.prototype;
  const original = prototype.bind as (this: dgram.Socket, ...args: unknown[]) => dgram.Socket;
  const bind = function (this: dgram.Socket, ...args: unknown[]): dgram.Socket {
    const first = args[0];
    const isOptions = typeof first === 'object' && first !== null;
    const options = (isOptions ? first : { port: typeof first === 'function' ? undefined : first }) as {
      port?: unknown;
      fd?: unknown;
      address?: unknown;
      exclusive?: boolean;
      recvStart?: unknown;
    };
    if (isOptions && typeof options.fd === 'number' && !options.exclusive && isOwnSocket(options.fd)) {
      const own = Object.create(options, { exclusive: { value: true } });
      return Reflect.apply(original, this, [own, ...args.slice(1)]);
    }
    if (isOptions && (typeof options.recvStart === 'function' || typeof options.fd === 'number')) {
      return Reflect.apply(original, this, args);
    }
    const isAnyPort = !Number(options.port);
    if (isOptions ? Boolean(options.exclusive) === isAnyPort : !isAnyPort) return Reflect.apply(original, this, args);
    const callback = args.findLast((arg) => typeof arg === 'function');
    const address = isOptions ? options.address : typeof args[1] === 'function' ? undefined : args[1];
    const changed = { address, port: options.port ?? 0, exclusive: isAnyPort };
    return Reflect.apply(original, this, callback === undefined ? [changed] : [changed, callback]);
  };
  Object.defineProperty(prototype, 'bind', { value: bind, writable: true, configurable: true, enumerable: true });
}
