// A server that the application gives to a child process, with send() or as stdio. Node passes its `_handle` on to the system, and what
// a server holds in a worker is none of the system's: the copy behind it is given instead. Runs in the worker.

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
/** Asks the primary for one more copy of a socket; null if there is none to have. */
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
  // The primary has no use for it, and would keep it open.
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

/** What stands for a handle in a server, or is that itself. */
function heldBy(given: unknown): ListenHandle | PendingHandle | null {
  if (typeof given !== 'object' || given === null) return null;
  const { handle, _handle } = given as { handle?: unknown; _handle?: unknown };
  for (const each of [given, _handle, handle]) {
    if (each instanceof ListenHandle || each instanceof PendingHandle) return each;
  }
  return null;
}

/** As Node wants what is sent: a server, which arrives as one, or a handle. */
function withHandle(given: unknown, real: RawListenHandle): unknown {
  return given instanceof net.Server ? Object.create(given, { _handle: { value: real } }) : real;
}

/** As it is, unless a server is in it: Node's own options inherit nothing, and what is wrong with others is for Node to say. */
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
