// Checks every message of a worker before Node's own code and ours see it (primary): a broken or hostile worker must not end the primary. It
// uses private parts of Node, as bind-socket.ts does. What a message must look like is in src/protocol/checks.ts.

import type { ChildProcess } from 'node:child_process';
import { problemOf } from '../../protocol/checks.ts';

/** What may come with a message: a raw handle, or what Node makes of one. */
interface Closable {
  close?(): void;
  destroy?(): void;
}

interface Channel {
  onread(...args: unknown[]): unknown;
  pendingHandle?: Closable | null;
}

interface PrivateChild {
  _handleQueue?: unknown;
}

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;
type Message = { cmd?: unknown; [name: string]: unknown };

/** The kinds of handle that Node can send; see `handleConversion` in its lib/internal/child_process.js. */
const HANDLE_TYPES = /^(net\.(Native|Server|Socket|BoundSocket)|dgram\.(Native|Socket))$/;

export interface Faults {
  /** A message `what` was dropped, because of `problem`. The channel still works. */
  invalid(what: string, problem: string): void;
  /** Nothing more can be read from this channel. */
  broken(problem: string): void;
}

/** Watches `child` until its channel closes. Every fault is reported, as often as it happens. */
export function guardChannel(child: ChildProcess, faults: Faults): void {
  guardMessages(child, faults);
  guardBytes(child, faults);
}

function guardMessages(child: ChildProcess, { invalid }: Faults): void {
  const emit = child.emit as Emit;
  const guarded: Emit = function (this: ChildProcess, event, ...args) {
    if (event !== 'internalMessage') return Reflect.apply(emit, this, [event, ...args]);
    const [message, handle] = args as [Message, Closable | undefined];
    const what = typeof message.cmd === 'string' ? message.cmd : 'a message';
    let problem = problemOfMessage(message, this as PrivateChild) ?? problemOfHandle(message, handle);
    if (problem === null) {
      try {
        if (!wantsHandle(message)) discard(handle);
        return Reflect.apply(emit, this, [event, ...args]);
      } catch (error) {
        problem = `it could not be dealt with: ${String(error)}`;
      }
    }
    discard(handle);
    invalid(what, problem);
    return true;
  };
  // Node and node:cluster call `emit`, so their listeners need not be touched.
  Object.defineProperty(child, 'emit', { value: guarded, configurable: true, writable: true });
}

function guardBytes(child: ChildProcess, { broken }: Faults): void {
  const channel = channelOf(child);
  // This Node keeps it elsewhere. Garbage then ends the primary, as it does under node:cluster.
  if (channel === null) return;
  const { onread } = channel;
  let isBroken = false;
  channel.onread = function (this: unknown, ...args) {
    if (isBroken && args[0] !== undefined) {
      discard(channel.pendingHandle);
      channel.pendingHandle = null;
      return undefined;
    }
    try {
      return Reflect.apply(onread, this, args);
    } catch (error) {
      isBroken = true;
      broken(String(error));
      return undefined;
    }
  };
}

/** Node's own handle of the channel, which it keeps under a symbol; null if it is not there. */
export function channelOf(child: object): Channel | null {
  const symbol = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle');
  const channel = symbol === undefined ? null : (child as Record<symbol, unknown>)[symbol];
  return typeof (channel as Partial<Channel> | null)?.onread === 'function' ? (channel as Channel) : null;
}

function problemOfMessage(message: Message, child: PrivateChild): string | null {
  const cmd = String(message.cmd);
  if (cmd.startsWith('NODE_TUTTI_')) return problemOf(message as { cmd: string });
  switch (cmd) {
    case 'NODE_HANDLE_ACK':
    case 'NODE_HANDLE_NACK':
      return Array.isArray(child._handleQueue) ? null : 'no handle was sent to it';
    case 'NODE_HANDLE':
      return HANDLE_TYPES.test(String(message.type)) && message.msg !== undefined
        ? null
        : 'it carries no handle that is known here';
    case 'NODE_CLUSTER':
      return message.act === 'queryServer' ? problemOfQuery(message) : null;
    default:
      return null;
  }
}

/** A request to node:cluster to bind, from the fallback that leaves the sockets to it. */
function problemOfQuery({ address, port, addressType, fd, flags, backlog, index, seq }: Message): string | null {
  const isNumber = (value: unknown): boolean => value == null || Number.isInteger(value);
  if (address != null && typeof address !== 'string') return 'address is not a text';
  if (!isNumber(port) || (port != null && ((port as number) < -1 || (port as number) > 65_535)))
    return 'port is no port';
  if (![4, 6, -1, 'udp4', 'udp6', null, undefined].includes(addressType as never)) return 'addressType is unknown';
  if (port === -1 && typeof address !== 'string') return 'address is not a path';
  return [fd, flags, backlog, index].every(isNumber) && Number.isInteger(seq)
    ? null
    : 'it has no numbers where they belong';
}

/** Only a stream can be passed on to another worker. */
function problemOfHandle({ cmd }: Message, handle: object | undefined): string | null {
  if (cmd !== 'NODE_TUTTI_TRANSFER' || handle === undefined) return null;
  return /^(TCP|Pipe)$/.test(handle.constructor.name) ? null : 'its handle is no connection';
}

function wantsHandle({ cmd }: Message): boolean {
  return cmd === 'NODE_HANDLE' || cmd === 'NODE_CLUSTER' || cmd === 'NODE_TUTTI_TRANSFER';
}

/** A handle that nobody takes would stay open. */
export function discard(handle: unknown): void {
  const closable = handle as Closable | null | undefined;
  try {
    if (typeof closable?.destroy === 'function') closable.destroy();
    else closable?.close?.();
  } catch {
    // It was closed already.
  }
}
