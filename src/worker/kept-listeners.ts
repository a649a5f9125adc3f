// An application may take all listeners off its process – process.removeAllListeners(), at its start for example – and with its own
// those of Node for the channel and the signals, and tutti's. They come back. Runs in the worker.
import { isReceiver } from './channel.ts';
import { guarded, nextTick, on } from './guard.ts';
import { process } from './own-process.ts';

const EVENTS = ['internalMessage', 'newListener', 'removeListener', 'exit', 'disconnect', 'uncaughtExceptionMonitor'];

/** Keeps those that there are now, before the application has any. */
export function keepListeners(): void {
  const listeners = (event: string): unknown[] => process.rawListeners(event as 'message');
  const restore = guarded('the listeners of process', () => {
    for (const [event, kept] of all) {
      const now = listeners(event);
      for (const listener of kept) if (!now.includes(listener)) on(process, event, listener as never);
    }
  });
  // Ours for messages goes with all others only.
  const note = guarded('the listeners of process', (event: unknown, listener: unknown) => {
    if (event === 'internalMessage' && isReceiver(listener)) nextTick(restore);
  });
  on(process, 'removeListener', note);
  const all = EVENTS.map((event) => [event, listeners(event)] as const);
}
