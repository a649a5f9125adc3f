// Servers that the application gives to a child process, with send() or as stdio. Node passes the server's `_handle` to the system, but in a
// worker that is not a real handle. So the child gets a copy of the socket behind it. Runs in the worker.

import type { ChildProcess } from 'node:child_process';
import net from 'node:net';
import type { RawListenHandle } from '../../protocol/raw-handle.ts';
import { guarded, subscribe } from '../guard.ts';
import { process } from '../own-process.ts';
import { ListenHandle } from './listen-handle.ts';
import { PendingHandle } from './pending-handle.ts';

type Done = (error: Error | null) => void;
type Send = (this: object, message: unknown, handle?: unknown, options?: unknown, done?: Done) => boolean;
type SpawnOptions = { stdio?: unknown };
type Spawn = (this: Spawned, options: SpawnOptions | undefined) => unknown;
type Spawned = ChildProcess & { send?: Send };
/** Asks the primary for another copy of a socket; null if it has none. */
export type CopyOf = (handle: ListenHandle, got: (raw: RawListenHandle | null) => void) => void;

export function handServers(copyOf: CopyOf): void {
  let isWatched = false;
  const watch = guarded('watching child processes', (message: unknown) => {
    if (isWatched) return;
    isWatched = true;
    const prototype = Object.getPrototypeOf((message as { process: object }).process) as { spawn: Spawn };
    const original = prototype.spawn;
    const spawn: Spawn = function spawn(options) {
      const result = Reflect.apply(original, this, [withRealStdio(options)]);
      if (typeof this.send === 'function') this.send = sendReal(this.send, copyOf);
      return result;
    };
    Object.defineProperty(prototype, 'spawn', { value: spawn, writable: true, configurable: true, enumerable: true });
  });
  subscribe('child_process', watch);
  // The primary has no use for a server, and would keep it open.
  if (process.send) process.send = sendReal(process.send as Send, (_handle, got) => got(null), true) as never;
}

function sendReal(send: Send, copyOf: CopyOf, isUseless = false): Send {
  return function (message, handle, options, done) {
    const held = heldBy(handle);
    if (held === null) return Reflect.apply(send, this, [message, handle, options, done]);
    const real = isUseless || held instanceof PendingHandle ? null : held.real;
    if (real !== null) return Reflect.apply(send, this, [message, withHandle(handle, real), options, done]);
    if (isUseless || held instanceof PendingHandle || held.dispatched || held.closed) throw cannot();
    const callback = typeof options === 'function' ? (options as Done) : done;
    const settle: Done = (error) => {
      if (callback !== undefined) callback(error);
      else if (error !== null) (this as ChildProcess).emit('error', error);
    };
    copyOf(held, (raw) => {
      if (raw === null) {
        settle(cannot());
        return;
      }
      const sent: Done = (error) => {
        raw.close();
        settle(error);
      };
      Reflect.apply(send, this, [message, withHandle(handle, raw), typeof options === 'object' ? options : {}, sent]);
    });
    return true;
  };
}

/** `given`, or the handle of the server that it is, if that is one of ours. */
function heldBy(given: unknown): ListenHandle | PendingHandle | null {
  if (typeof given !== 'object' || given === null) return null;
  const { handle, _handle } = given as { handle?: unknown; _handle?: unknown };
  for (const each of [given, _handle, handle]) {
    if (each instanceof ListenHandle || each instanceof PendingHandle) return each;
  }
  return null;
}

/** What to send instead: a server if it was a server, so that it arrives as one, otherwise a handle. */
function withHandle(given: unknown, real: RawListenHandle): unknown {
  return given instanceof net.Server ? Object.create(given, { _handle: { value: real } }) : real;
}

/** The options unchanged, unless a server is in them. Wrong options are left for Node to complain about. */
function withRealStdio(options: SpawnOptions | undefined): SpawnOptions | undefined {
  const stdio = options?.stdio;
  if (!Array.isArray(stdio) || stdio.every((each) => heldBy(each) === null)) return options;
  return Object.assign(Object.create(Object.getPrototypeOf(options)), options, { stdio: stdio.map(realOf) });
}

function realOf(given: unknown): unknown {
  const held = heldBy(given);
  if (held === null) return given;
  const real = held instanceof ListenHandle ? held.real : null;
  if (real === null) throw cannot();
  return real;
}

function cannot(): Error {
  const error = new Error(
    'Cannot give this server to another process: in this worker it has no socket of its own now (with the balance round-robin the ' +
      'supervisor accepts; a worker that is not ready yet, rests or drains has none for a while). Let the other process listen itself.',
  );
  return Object.assign(error, { code: 'ERR_TUTTI_NO_SOCKET' });
}
