// The shield: TERM, INT, HUP and QUIT do not reach the application before its drain. Runs in the worker; what a signal to the primary means
// is in src/host/signals.ts.
//
// When a signal gets its first listener, Node binds the signal to the process.emit of that moment. So a gate takes that place for a moment
// while listeners are added and removed without Node noticing. Afterwards the signal is caught and ends at the gate, while
// process.listeners(), process.emit and the application's own process.emit('SIGTERM') are as under plain node.
import { constants } from 'node:os';
import type { WorkerEnd } from '../protocol/messages.ts';
import { noteSign } from './drain/own-end.ts';
import { attempt, guarded, off, on } from './guard.ts';
import { process } from './own-process.ts';

export const SHIELDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
export type ShieldedSignal = (typeof SHIELDED)[number];

export interface Shield {
  /** Gives the application its stop signal, or the INT that was kept from it. A process that listens to neither ends by it. */
  release(end: Pick<WorkerEnd, 'stopSignal' | 'shutdownMessage'>): void;
  /** Whether the application listens to what `release` would give it. */
  isHeard(end: Pick<WorkerEnd, 'stopSignal' | 'shutdownMessage'>): boolean;
  /** Gives one suppressed signal to the application if it listens to that signal. The shield stays. */
  deliver(signal: NodeJS.Signals): boolean;
}

type EmitSignal = (this: NodeJS.Process, event: string, signal: string, number: number) => boolean;

/** Signals that end a process without a listener, and that somebody outside may have sent on purpose. */
const FATAL = new Set<string>([...SHIELDED, 'SIGKILL']);
const ENDS = new Set<string>(['SIGTERM', 'SIGINT', 'SIGQUIT']);

const ignore = guarded('nothing', () => {});

/**
 * `onSignal` is called for every shielded signal from outside, with whether the application listens to it; `onOwnEnd` for a signal by which
 * the process is about to end itself. Other signals that the application sends to itself work as under plain node.
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

  // When an application removes its last listener of a signal, Node restores the kernel's default action.
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
    // Reached only where the kernel spares the process, as it does the first process of a container.
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
      // Signals without a listener get their default action back: a second TERM then ends the process at once.
      for (const signal of SHIELDED) if (process.listenerCount(signal) === 0) disarm(signal);
      // Only one: to most servers each of them means the same shutdown, and a second one means "at once".
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

/** The name as process.kill() understands it; undefined for unknown signals and for 0, which sends none. */
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

  // Among these is Node's own watcher, which stops catching a signal that has no listener left.
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
