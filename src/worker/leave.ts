// The application's own way out of the channel: process.disconnect(), cluster.worker.disconnect() and kill(). Runs in the worker.
//
// Under plain node there is no channel, and a program that cuts it goes on. Here the channel is tutti's: without it the worker could
// not be drained, and it would look like one whose primary is dead. So the application leaves and the channel stays. It sees
// `process.connected` false and the event 'disconnect', and what it sends fails.
import cluster from 'node:cluster';
import { noteSign } from './drain/own-end.ts';
import { type Guarded, guarded, type HandOver, nextTick, type Outcome, on, onFirst } from './guard.ts';
import { allServers } from './listen/servers.ts';
import { process } from './own-process.ts';

let open = true;
let left = false;
let isTold = false;
/** The application is not to hear of a lost channel yet; `owed`: it would have. */
let isHidden = false;
let isOwed = false;
/** Node's code or ours is running: it sees the channel as it really is. */
let inside = false;
const onLost: Guarded[] = [];
const WHAT = 'leaving the channel';

/** `lost` is called once, when the primary's end of the channel is closed. */
export function whenLost(lost: () => void): void {
  onLost.push(guarded(WHAT, lost));
}

/** The application has been told to end, so leaving the channel is now a part of that. */
export function noteTold(): void {
  isTold = true;
}

/** Runs `use` with the real channel, even if the application has left it. */
export function withChannel<T>(use: () => T): T {
  const before = inside;
  inside = true;
  try {
    return use();
  } finally {
    inside = before;
  }
}

/** Takes `process.disconnect` over. To be called once, before the application runs. */
export function keepChannel(): void {
  // node:cluster's own listener, which would end the process.
  process.removeAllListeners('disconnect');
  Object.defineProperty(process, 'connected', {
    get: () => open && (inside || !left),
    set: (value: boolean) => {
      open = value;
    },
    configurable: true,
    enumerable: true,
  });
  Object.defineProperty(process, 'disconnect', {
    value: disconnect,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

/** The worker goes on as if the channel were there: the application hears nothing of its end until `tellLoss`. To be called in `lost`. */
export function hideLoss(): void {
  isHidden = true;
}

export function tellLoss(): HandOver {
  isHidden = false;
  const owed = isOwed;
  isOwed = false;
  return owed ? tellApplication : () => {};
}

/** Notices that the primary's end is closed when no event has told so. */
export const lookAtChannel = guarded(WHAT, () => (process.channel == null ? lose(left) : undefined));

function disconnect(): void {
  const again = left;
  left = true;
  // Node calls this too, when the other end is closed, and removes the channel before the next tick. (Its 'disconnect' event does not come
  // while a sent handle waits for its acknowledgement, and a dead primary acknowledges nothing.)
  const go = guarded(WHAT, () => {
    if (process.channel == null) return lose(again);
    return again ? undefined : depart();
  });
  nextTick(go);
}

function lose(told: boolean): Outcome {
  if (!open) return;
  open = false;
  for (const each of onLost) each();
  if (told) return undefined;
  isOwed = isHidden;
  return isHidden ? undefined : tellApplication;
}

function depart(): HandOver {
  process.channel?.unref();
  // Node's own listener ends the channel after the answer to a handle if `connected` is false by then.
  const enter = guarded(WHAT, () => {
    inside = true;
  });
  const exit = guarded(WHAT, () => {
    inside = false;
  });
  onFirst(process, 'internalMessage', enter);
  on(process, 'internalMessage', exit);
  // As in node:cluster: worker.disconnect() first closes every server and waits for its connections.
  const isByCluster = (cluster.worker as { state?: unknown } | undefined)?.state === 'disconnecting';
  if (isByCluster) noteSign();
  const listening = isByCluster || isTold ? [...allServers()].filter((server) => server.listening) : [];
  let waiting = listening.length + 1;
  const closed = guarded(WHAT, () => {
    waiting -= 1;
    return waiting === 0 ? tellApplication : undefined;
  });
  for (const server of listening) {
    try {
      server.close(closed);
    } catch {
      closed();
    }
  }
  return closed;
}

function tellApplication(): void {
  cluster.worker?.emit('disconnect');
  process.emit('disconnect');
}
