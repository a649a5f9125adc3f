// Puts Node's and tutti's own listeners back after the application has called process.removeAllListeners(): without them the channel and
// the signals would be dead. Runs in the worker.
import { isReceiver } from './channel.ts';
import { guarded, nextTick, on } from './guard.ts';
import { process } from './own-process.ts';

const EVENTS = ['internalMessage', 'newListener', 'removeListener', 'exit', 'disconnect', 'uncaughtExceptionMonitor'];

/** Keeps the listeners that exist now. To be called before the application adds any. */
export function keepListeners(): void {
  const listeners = (event: string): unknown[] => process.rawListeners(event as 'message');
  const restore = guarded('the listeners of process', () => {
    for (const [event, kept] of all) {
      const now = listeners(event);
      for (const listener of kept) if (!now.includes(listener)) on(process, event, listener as never);
    }
  });
  // Our listener for messages is only ever removed together with all others.
  const note = guarded('the listeners of process', (event: unknown, listener: unknown) => {
    if (event === 'internalMessage' && isReceiver(listener)) nextTick(restore);
  });
  on(process, 'removeListener', note);
  const all = EVENTS.map((event) => [event, listeners(event)] as const);
}
