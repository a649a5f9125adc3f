// The shield: TERM, INT, HUP and QUIT do not reach the application before its drain. Runs in the worker.
//
// Node connects a signal to whatever process.emit is when the first listener of that signal appears. So a gate is put there for a
// moment, listeners are added and taken back without Node noticing, and what remains is this: the signal is caught, it ends at the
// gate, and process.listeners(), process.emit and the application's own process.emit('SIGTERM') are as under plain node.
import { constants } from 'node:os';
import type { WorkerEnd } from '../protocol/messages.ts';
import { noteSign } from './drain/own-end.ts';
import { attempt, guarded, off, on } from './guard.ts';
import { process } from './own-process.ts';

export const SHIELDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
export type ShieldedSignal = (typeof SHIELDED)[number];

export interface Shield {
  /** Step 5: the application gets the INT it was kept from, or its stop signal; a process that listens to neither ends by that. */
  release(end: Pick<WorkerEnd, 'stopSignal' | 'shutdownMessage'>): void;
  /** The application listens to what `release` would give it. */
  isHeard(end: Pick<WorkerEnd, 'stopSignal' | 'shutdownMessage'>): boolean;
  /** Gives one suppressed signal to the application, if it listens to it. The shield stays. */
  deliver(signal: NodeJS.Signals): boolean;
}

type EmitSignal = (this: NodeJS.Process, event: string, signal: string, number: number) => boolean;

/** Without a listener they end a process, and from outside they would be somebody's wish. */
const FATAL = new Set<string>([...SHIELDED, 'SIGKILL']);
const ENDS = new Set<string>(['SIGTERM', 'SIGINT', 'SIGQUIT']);

const ignore = guarded('nothing', () => {});

/**
 * `onSignal` hears of every shielded signal that arrives from outside, and whether the application listens to it; `onOwnEnd` of one by
 * which the process is about to end itself. What the application sends to itself is its own business, as under plain node.
 */
export function raiseShield(
  onSignal: (signal: ShieldedSignal, handled: boolean) => void,
  onOwnEnd: (signal: NodeJS.Signals) => void,
): Shield {
  const suppressed = new Set<ShieldedSignal>();
  /** Sent by the process to itself and not yet arrived. */
  const own = new Map<string, number>();
  const original = process.emit;
  let shielded = true;

  const gate = function (this: NodeJS.Process, event: string | symbol, ...args: unknown[]): boolean {
    const ownCount = shielded ? (own.get(String(event)) ?? 0) : 0;
    if (ownCount > 0) own.set(String(event), ownCount - 1);
    else if (shielded && isShielded(event)) {
      suppressed.add(event);
      attempt('telling of a signal', () => onSignal(event, process.listenerCount(event) > 0), undefined);
      return true;
    }
    // Only while arm() has the gate in place is process.emit the gate itself.
    const emit = process.emit === gate ? original : process.emit;
    return Reflect.apply(emit, process, [event, ...args]);
  };

  // An application that adds a listener and removes it again makes Node give the signal back to the kernel's default.
  const rearm = guarded('catching a signal', (event: string | symbol) => {
    if (shielded && isShielded(event) && process.listenerCount(event) === 0) arm([event], gate);
  });

  const { kill } = process;
  const killOrEnd = (pid: number, signal?: string | number): true => {
    const name = Number(pid) === process.pid ? nameOf(signal) : undefined;
    if (name === undefined) return kill.call(process, pid, signal);
    if (ENDS.has(name)) noteSign();
    const isHeard = process.listenerCount(name) > 0;
    if (!isHeard && FATAL.has(name)) attempt('telling of a signal', () => onOwnEnd(name), undefined);
    if (!shielded || !isShielded(name)) return kill.call(process, pid, signal);
    if (isHeard) {
      own.set(name, (own.get(name) ?? 0) + 1);
      return kill.call(process, pid, signal);
    }
    off(process, 'removeListener', rearm);
    disarm(name);
    kill.call(process, pid, signal);
    // Not reached but where the system spares a process, as it does the first of a container.
    arm([name], gate);
    on(process, 'removeListener', rearm);
    return true;
  };
  Object.defineProperty(killOrEnd, 'name', { value: 'kill' });
  process.kill = killOrEnd;

  arm(SHIELDED, gate);
  on(process, 'removeListener', rearm);

  const deliver = (signal: NodeJS.Signals): boolean => {
    if (process.listenerCount(signal) === 0) return false;
    (process.emit as EmitSignal).call(process, signal, signal, constants.signals[signal]);
    return true;
  };

  return {
    deliver,
    isHeard({ stopSignal, shutdownMessage }) {
      if (shutdownMessage && process.listenerCount('message') > 0) return true;
      return [stopSignal, ...suppressed].some((signal) => process.listenerCount(signal) > 0);
    },
    release({ stopSignal, shutdownMessage }) {
      if (!shielded) return;
      shielded = false;
      off(process, 'removeListener', rearm);
      // Signals that nobody listens to get their default back: a second TERM ends such a process at once.
      for (const signal of SHIELDED) if (process.listenerCount(signal) === 0) disarm(signal);
      // One only: for most servers every one of them means the same shutdown, and a second one means "at once".
      const order: NodeJS.Signals[] = [stopSignal, ...suppressed];
      if (suppressed.has('SIGINT')) order.unshift('SIGINT');
      if (shutdownMessage && process.emit('message', 'shutdown', undefined)) return;
      if (!order.some(deliver)) kill.call(process, process.pid, stopSignal);
    },
  };
}

function isShielded(event: string | symbol): event is ShieldedSignal {
  return (SHIELDED as readonly unknown[]).includes(event);
}

/** As process.kill() reads it; undefined for what it does not know, and for 0, which is none. */
function nameOf(signal: string | number | undefined): NodeJS.Signals | undefined {
  if (signal === undefined) return 'SIGTERM';
  const known = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  return known.find(([name, number]) => signal === name || signal === number)?.[0];
}

/** Catches the signals for `gate` and leaves no listener behind. */
function arm(signals: readonly ShieldedSignal[], gate: (event: string | symbol, ...args: unknown[]) => boolean): void {
  const own = Object.getOwnPropertyDescriptor(process, 'emit');
  Object.defineProperty(process, 'emit', { value: gate, configurable: true, writable: true });
  for (const signal of signals) on(process, signal, ignore);
  if (own === undefined) delete (process as { emit?: unknown }).emit;
  else Object.defineProperty(process, 'emit', own);

  // Node's own watcher, which would stop catching a signal without listeners, is among these.
  const watchers = process.rawListeners('removeListener') as ((...args: unknown[]) => void)[];
  for (const watcher of watchers) process.removeListener('removeListener', watcher);
  for (const signal of signals) off(process, signal, ignore);
  for (const watcher of watchers) process.on('removeListener', watcher);
}

/** Gives the signal back to the kernel's default action. */
function disarm(signal: ShieldedSignal): void {
  on(process, signal, ignore);
  off(process, signal, ignore);
}
