// The worker's end of the IPC channel. Our messages are Node's 'internalMessage's, so the application sees none of them. The primary's end
// is src/host/process/worker-process.ts.

import type { ToPrimary, ToWorker } from '../protocol/messages.ts';
import type { RawHandle } from '../protocol/raw-handle.ts';
import { attempt, cancel, failed, type Guarded, guarded, keepAlive, type Outcome, on, soon } from './guard.ts';
import { keepChannel, withChannel } from './leave.ts';
import { isUnread } from './output.ts';
import { process } from './own-process.ts';

/** process.send as it really is: its declared type has neither a raw handle nor a callback after options. */
type Send = (message: unknown, handle?: unknown, options?: object, done?: (error: Error | null) => void) => boolean;
type Receiver = (message: ToWorker, handle: RawHandle | undefined) => Outcome;
/** Called when the message has left the process, or with the error if it could not. */
export type Sent = Guarded<[error: Error | null]>;

const ignore = guarded('nothing', () => {});
let receiver: Receiver | null = null;
let send: Send | null = null;
/** The callback of the handle that has left and is not acknowledged yet. */
let onWay: Sent | null = null;
let receive: Guarded<[message: unknown, handle: unknown]> | null = null;

/** Joins the channel. `onReadyWord` is called each time the application itself says `process.send('ready')`. */
export function openChannel(onReadyWord: () => void): void {
  const own = process.send as Send | undefined;
  if (own === undefined) return;
  send = own;
  receive = guarded('a message', (message: unknown, handle: unknown) => {
    if (typeof message !== 'object' || message === null || !('cmd' in message)) return;
    const cmd = String(message.cmd);
    if (cmd === 'NODE_HANDLE_ACK') return arrived(null);
    if (cmd === 'NODE_HANDLE_NACK') return arrived(new Error('the primary had no descriptor for it'));
    if (!cmd.startsWith('NODE_TUTTI_')) return;
    return attempt(cmd, () => receiver?.(message as ToWorker, handle as RawHandle | undefined), undefined);
  });
  on(process, 'internalMessage', receive);
  keepChannel();
  wrapSend(own, onReadyWord);
  // Under plain node nothing like a channel keeps a finished program alive.
  process.channel?.unref();
}

/**
 * Sends a message, with or without a handle. `done` is called when the message has left, or when its handle has arrived, or with the error.
 * Without `done`, errors are ignored. Never throws.
 */
export function post(message: ToPrimary, handle?: RawHandle, done: Sent = ignore): void {
  const sent = handle === undefined ? done : whenArrived(done);
  try {
    // Always with a callback: without one, Node emits a failed send as an 'error' of process, which ends the application.
    withChannel(() => send?.call(process, message, handle, {}, sent));
  } catch (error) {
    failed(`sending ${message.cmd}`, error);
    soon(guarded('an unsent message', () => () => done(error as Error)));
  }
}

/** Sends as Node does it now, and does not care whether it arrives. Throws what Node throws. */
export function sendNow(message: ToPrimary, handle?: RawHandle): void {
  withChannel(() => send?.call(process, message, handle, {}, ignore));
}

/** Whether the primary's end is open, as far as this process knows. The answer is the same after the application has left the channel. */
export function isChannelOpen(): boolean {
  return withChannel(() => process.connected === true);
}

/** Node sends one handle at a time, so the next acknowledgement is for the last handle that left. */
function whenArrived(done: Sent): Sent {
  return guarded('a handle on its way', (error: Error | null) => {
    if (error !== null) return () => done(error);
    const before = arrived(null);
    onWay = done;
    return before;
  });
}

/** The handle that was on its way has arrived or failed. It need not be ours. */
function arrived(error: Error | null): Outcome {
  const done = onWay;
  onWay = null;
  return done === null ? undefined : () => done(error);
}

/** Node queues what waits for an acknowledgement in a property of process. If process is frozen, it sends the handle and then throws. */
export function canSendHandles(): boolean {
  return !Object.isFrozen(process);
}

/** Whether an error of `post` means that the other end is closed, so that the message has reached nobody. */
export function isChannelLost(error: NodeJS.ErrnoException): boolean {
  return isUnread(error) || error.code === 'ERR_IPC_CHANNEL_CLOSED';
}

/** `by` gets every message of the primary, including unknown ones. */
export function receiveMessages(by: Receiver): void {
  receiver = by;
}

/** Whether `listener` is the one through which all our messages come. */
export function isReceiver(listener: unknown): boolean {
  return listener === receive;
}

/** Keeps the process alive until the returned function is called, as a pending operation of the application would. */
export function hold(): () => void {
  const timer = keepAlive();
  return () => cancel(timer);
}

/** The application may say 'ready', and may go on talking to a primary that is gone. Neither can fail under plain node. */
function wrapSend(own: Send, onReadyWord: () => void): void {
  const wrapped = function send(this: unknown, message: unknown, ...rest: never[]): boolean {
    if (message === 'ready') attempt("the word 'ready'", onReadyWord, undefined);
    if (rest.some((arg) => typeof arg === 'function')) return own.call(process, message, ...rest);
    if (!process.connected) return false;
    // The primary may be dead before this process notices. Without a callback, the failed write would end the application.
    const [handle, options] = rest;
    return own.call(process, message, handle, options, (error) => {
      if (error !== null && !isUnread(error)) process.emit('error' as never, error as never);
    });
  };
  Object.defineProperty(process, 'send', { value: wrapped, configurable: true, enumerable: true, writable: true });
}
