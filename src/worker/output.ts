// Output whose reader is gone. Under plain node a write to it ends the process. A worker's reader is the primary or the log process, which
// the application did not choose and does not know; its death must cost no request. Runs in the worker.

import { attempt, guarded, on } from './guard.ts';
import { process } from './own-process.ts';

const GONE = new Set(['EPIPE', 'ECONNRESET']);
const watched = new WeakSet<object>();

/** Whether `error` is what a write gets when its reader is gone. */
export function isUnread(error: NodeJS.ErrnoException): boolean {
  return GONE.has(error.code ?? '');
}

/** From now on output that nobody reads is dropped, and does no other harm. */
export function keepBrokenOutputHarmless(): void {
  watch(process.stdout);
  watch(process.stderr);
}

/** The same from the start, without creating a stream before the application uses it. */
export function expectBrokenOutput(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const property = Object.getOwnPropertyDescriptor(process, name);
    const get = property?.get;
    if (property?.configurable !== true || get === undefined) continue;
    Object.defineProperty(process, name, { ...property, get: () => watch(get.call(process) as NodeJS.WriteStream) });
  }
}

function watch(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  attempt('watching the output', () => watchErrors(stream), undefined);
  return stream;
}

function watchErrors(stream: NodeJS.WriteStream): void {
  if (watched.has(stream)) return;
  watched.add(stream);
  const broken = guarded('watching the output', (error: NodeJS.ErrnoException) => {
    if (isUnread(error) || stream.listenerCount('error') > 1) return;
    // What plain node does with an error that nobody listens to.
    return () => {
      throw error;
    };
  });
  on(stream, 'error', broken);
}
