// Lets an application reach its own server after the port is closed for everybody else: a page may ask its own API for data. Such connections
// come in by a private port of the worker, on the same address, until the worker ends. Runs in the worker, from the closing of a port on.

import net from 'node:net';
import type { SocketName } from '../../protocol/messages.ts';
import type { RawConnection, RawListenHandle } from '../../protocol/raw-handle.ts';
import { attempt } from '../guard.ts';

interface Door {
  address: string;
  port: number;
  leadsFor(host: string): boolean;
}

interface Target {
  host?: unknown;
  port?: unknown;
  path?: unknown;
}

type Create = (address: string, port: number, addressType: 4 | 6) => RawListenHandle | number;

const LOOPBACK = /^(localhost|127\.[\d.]+|::1|::ffff:127\.[\d.]+)$/i;
const ANYWHERE = /^(0\.0\.0\.0|::)$/;
const WHAT = 'a request of the application to itself';
const BACKLOG = 511;

const doors = new Map<number, Door>();

/** From now on connections of this process to the port come to `accept`. If that fails, they are refused like everybody's. */
export function openDoor(name: SocketName, accept: (client: RawConnection) => void): void {
  const { port, address } = name;
  if (port === undefined || address === undefined || doors.has(port)) return;
  const door = attempt(WHAT, () => listen(address, accept), null);
  if (door === null) return;
  if (doors.size === 0) attempt(WHAT, leadInside, undefined);
  doors.set(port, door);
}

function listen(bound: string, accept: (client: RawConnection) => void): Door | null {
  const isAnywhere = ANYWHERE.test(bound);
  const address = isAnywhere ? '127.0.0.1' : bound;
  const create = (net as unknown as { _createServerHandle: Create })._createServerHandle;
  const handle = create(address, 0, address.includes(':') ? 6 : 4);
  if (typeof handle === 'number') return null;
  const name: SocketName = {};
  handle.onconnection = (status, client) => {
    if (status === 0 && client !== undefined) accept(client);
  };
  if (handle.listen(BACKLOG) !== 0 || handle.getsockname?.(name) !== 0 || name.port === undefined) {
    handle.close();
    return null;
  }
  handle.unref?.();
  const isLocal = isAnywhere || LOOPBACK.test(address);
  const leadsFor = (host: string) => host === bound || (isLocal && (LOOPBACK.test(host) || ANYWHERE.test(host)));
  return { address, port: name.port, leadsFor };
}

function leadInside(): void {
  const prototype = net.Socket.prototype;
  const original = prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket;
  const connect = function (this: net.Socket, ...args: unknown[]): net.Socket {
    attempt(WHAT, () => redirect(args), undefined);
    return Reflect.apply(original, this, args);
  };
  Object.defineProperty(prototype, 'connect', { value: connect, writable: true, configurable: true, enumerable: true });
}

/** Handles `connect(options)`, `connect(port, host)`, and what net.connect() makes of either: an array that begins with the options. */
function redirect(args: unknown[]): void {
  const [first] = args;
  const list = Array.isArray(first) ? first : args;
  const isOptions = typeof list[0] === 'object' && list[0] !== null;
  const target: Target = isOptions
    ? list[0]
    : { port: list[0], host: typeof list[1] === 'string' ? list[1] : undefined };
  const door = target.path == null ? doors.get(Number(target.port)) : undefined;
  if (door === undefined || !door.leadsFor(String(target.host ?? 'localhost'))) return;
  const { address: host, port } = door;
  if (isOptions) list[0] = { ...target, host, port };
  else if (typeof list[1] === 'string') list.splice(0, 2, port, host);
  else list.splice(0, 1, port, host);
}
