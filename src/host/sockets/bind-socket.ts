// Private parts of Node in the primary: raw listening handles, and the raw handle of a UDP socket. Others are in channel-guard.ts.

import dgram from 'node:dgram';
import { fstatSync, readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { constants } from 'node:os';
import { relative } from 'node:path';
import type { ListenRequest, SocketName } from '../../protocol/messages.ts';
import type { RawHandle, RawListenHandle } from '../../protocol/raw-handle.ts';
import { SocketPath } from './socket-path.ts';

interface PrivateNet {
  _createServerHandle(
    address: string | null,
    port: number | null,
    addressType: number | null,
    fd?: number | null,
    flags?: number,
  ): RawListenHandle | number;
}

interface RawDatagramHandle extends RawHandle {
  recvStop(): number;
  getsockname(out: SocketName): number;
}

export interface BoundSocket {
  kind: 'tcp' | 'pipe' | 'udp';
  handle: RawHandle;
  /** What was bound where the request left it open. */
  address: string | null;
  addressType: ListenRequest['addressType'];
  name: SocketName | null;
  /** Puts back what the application may have removed: the path of a unix socket. */
  restore?(): void;
  /** A service manager holds it too: what clients send to it is not lost when it is closed here. */
  kept?: boolean;
  close(): void;
  /** Instead of close(), when another process goes on with the socket: nothing that clients find it by is removed. */
  letGo(): void;
}

export const ANY_IPV6 = '::';
export const ANY_IPV4 = '0.0.0.0';
const EINVAL = -constants.errno.EINVAL;
const UNIX_PATH_BYTES = 107;
const UDP_REUSEADDR = 4;
const UDP_IPV6ONLY = 1;
const PIPE_READABLE = 1;
const PIPE_WRITABLE = 2;
/** As /proc/net/unix marks sockets that listen. */
const UNIX_LISTENS = 0x10000;

/**
 * Sockets that were open before this process opened any: what systemd or another parent handed down. Everything that is
 * opened later is tutti's own and must not be reached by a number that the application names.
 */
export const inheritedDescriptors: ReadonlySet<number> = listInheritedSockets();

function listInheritedSockets(): Set<number> {
  const found = new Set<number>();
  const folder = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd';
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // Windows: descriptors are not handed down this way.
  }
  for (const name of names) {
    try {
      if (fstatSync(Number(name)).isSocket()) found.add(Number(name));
    } catch {
      // The descriptor of the listing itself.
    }
  }
  const channel = process.channel as unknown as { fd?: number } | undefined;
  if (channel?.fd !== undefined) found.delete(channel.fd);
  return found;
}

/** Null if raw listening handles work in this Node as they must, else what is different. Binds nothing. */
export function testBinding(): string | null {
  const { _createServerHandle: create } = net as unknown as Partial<PrivateNet>;
  if (typeof create !== 'function') return 'net._createServerHandle is gone';
  const refused = create('256.256.256.256', 0, 4, undefined, 0);
  if (typeof refused === 'number') return null;
  refused.close();
  return 'net._createServerHandle does not answer with an errno';
}

/** Binds as net.Server and dgram.Socket do, without accepting or reading. Answers with a negative errno if it cannot. */
export function bindSocket(request: ListenRequest): BoundSocket | number | Promise<BoundSocket | number> {
  const { addressType } = request;
  if (request.fd !== null && !inheritedDescriptors.has(request.fd)) return EINVAL;
  if (addressType === 'udp4' || addressType === 'udp6') return bindDatagram(request, addressType);
  if (addressType === -1) return bindPipe(request);
  return bindRaw(request, request.address, addressType);
}

function bindRaw(request: ListenRequest, address: string | null, addressType: 4 | 6 | null): BoundSocket | number {
  const { _createServerHandle: create } = net as unknown as PrivateNet;
  const handle = create(address, request.port, addressType, request.fd, request.flags);
  if (typeof handle === 'number') return handle;
  const name: SocketName = {};
  const isTcp = handle.getsockname !== undefined;
  // libuv puts "address in use" off until listen(); before that getsockname tells it.
  const errno = handle.getsockname?.(name) ?? 0;
  if (errno !== 0) {
    handle.close();
    return errno;
  }
  const close = () => handle.close();
  return { kind: isTcp ? 'tcp' : 'pipe', handle, address, addressType, name: isTcp ? name : null, close, letGo: close };
}

function bindPipe(request: ListenRequest): BoundSocket | number {
  const { _createServerHandle: create } = net as unknown as PrivateNet;
  const handle = create(fittingPath(request.address ?? ''), -1, -1, undefined, 0);
  if (typeof handle === 'number') return handle;
  const mode = (request.readableAll ? PIPE_READABLE : 0) | (request.writableAll ? PIPE_WRITABLE : 0);
  const errno = mode === 0 ? 0 : (handle.fchmod?.(mode) ?? 0);
  if (errno !== 0) {
    handle.close();
    return errno;
  }
  // Closing removes the path, as it does under plain node: only this handle knows it, the workers' copies do not.
  const path = isFile(request.address) ? new SocketPath(request.address) : null;
  const close = () => {
    path?.release();
    handle.close();
  };
  const restore = () => path?.restore();
  // The handle would take the path with it. It ends with this process, without that.
  const letGo = () => {};
  return { kind: 'pipe', handle, address: request.address, addressType: -1, name: null, restore, close, letGo };
}

/**
 * The socket behind a descriptor that was handed down, as if it had been bound here; null if nobody can listen on it. `kept`: as in
 * BoundSocket; the path of another is removed when it is closed.
 */
export function openInherited(fd: number, kept: boolean): BoundSocket | null {
  if (!inheritedDescriptors.has(fd)) return null;
  const path = unixPathOf(fd);
  const { _createServerHandle: create } = net as unknown as PrivateNet;
  const handle = create(null, null, null, fd, 0);
  if (typeof handle === 'number') return openInheritedDatagram(fd, kept);
  const name: SocketName = {};
  const isTcp = handle.getsockname !== undefined;
  const isUsable = isTcp
    ? handle.getsockname?.(name) === 0 && Boolean(name.port) && handle.getpeername?.({}) !== 0
    : path !== null;
  if (!isUsable) {
    handle.close();
    return null;
  }
  const letGo = () => handle.close();
  if (isTcp) return { ...{ kind: 'tcp', handle, address: null, addressType: null, name, kept }, close: letGo, letGo };
  const file = isFile(path) && !kept ? new SocketPath(path) : null;
  const close = () => {
    file?.remove();
    handle.close();
  };
  const restore = () => file?.restore();
  return { ...{ kind: 'pipe', handle, address: path, addressType: -1, name: null, kept }, restore, close, letGo };
}

function openInheritedDatagram(fd: number, kept: boolean): BoundSocket | null {
  const socket = dgram.createSocket('udp4').on('error', () => {});
  try {
    socket.bind({ fd, exclusive: true });
  } catch {
    return null;
  }
  const bound = silence(socket, { address: null, addressType: null });
  if (bound === null || bound.name?.port) return bound === null ? null : { ...bound, kept };
  bound.close();
  return null;
}

/** Where a unix socket listens, as it was bound; null for all else. A NUL first: a name in Linux' abstract space. */
function unixPathOf(fd: number): string | null {
  try {
    const { ino } = fstatSync(fd);
    for (const line of readFileSync('/proc/self/net/unix', 'utf8').split('\n')) {
      const [, flags, inode, path] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.+)$/.exec(line) ?? [];
      if (Number(inode) !== ino || path === undefined || (Number.parseInt(flags ?? '', 16) & UNIX_LISTENS) === 0)
        continue;
      return path.replace(/^@/, '\0');
    }
  } catch {
    // Not Linux.
  }
  return null;
}

function isFile(path: string | null): path is string {
  return path !== null && path !== '' && !path.startsWith('\0') && process.platform !== 'win32';
}

/** The worker sends absolute paths; a relative one may be all that fits into the kernel's limit. */
function fittingPath(path: string): string {
  if (Buffer.byteLength(path) <= UNIX_PATH_BYTES || path.startsWith('\0')) return path;
  const shorter = relative(process.cwd(), path);
  return shorter.length < path.length ? shorter : path;
}

async function bindDatagram(request: ListenRequest, type: 'udp4' | 'udp6'): Promise<BoundSocket | number> {
  const socket = dgram.createSocket({
    type,
    reuseAddr: (request.flags & UDP_REUSEADDR) !== 0,
    ipv6Only: (request.flags & UDP_IPV6ONLY) !== 0,
  });
  const errno = await new Promise<number>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.errno ?? EINVAL));
    socket.once('listening', () => resolve(0));
    try {
      if (request.fd !== null) socket.bind({ fd: request.fd, exclusive: true });
      else socket.bind({ address: request.address ?? undefined, port: request.port ?? 0, exclusive: true });
    } catch (error) {
      resolve((error as NodeJS.ErrnoException).errno ?? EINVAL);
    }
  });
  const bound = errno === 0 ? silence(socket, { address: request.address, addressType: type }) : null;
  if (bound !== null) return bound;
  socket.close();
  return errno || EINVAL;
}

/** Bound just now: it reads nothing. */
function silence(socket: dgram.Socket, asked: Pick<BoundSocket, 'address' | 'addressType'>): BoundSocket | null {
  const handle = rawHandleOf(socket);
  if (handle === null) return null;
  handle.recvStop();
  socket.unref();
  const name: SocketName = {};
  handle.getsockname(name);
  const close = () => void socket.close();
  return { ...asked, kind: 'udp', handle, name, close, letGo: close };
}

/** dgram keeps its handle behind a symbol. */
function rawHandleOf(socket: dgram.Socket): RawDatagramHandle | null {
  const state = Object.getOwnPropertySymbols(socket)
    .map((symbol) => (socket as unknown as Record<symbol, unknown>)[symbol])
    .find((value) => typeof (value as { handle?: { recvStop?: unknown } } | null)?.handle?.recvStop === 'function');
  return (state as { handle: RawDatagramHandle } | undefined)?.handle ?? null;
}
