// Output whose reader is gone: under plain node a write to it ends the process. Runs in the worker, which has a reader that the
// application did not choose and cannot know of: the primary's pipe, or the log process. Its death must cost no request.

import { attempt, guarded, on } from './guard.ts';
import { process } from './own-process.ts';

const GONE = new Set(['EPIPE', 'ECONNRESET']);
const watched = new WeakSet<object>();

/** True of the error that a write gets when nobody is there any more to read it. */
export function isUnread(error: NodeJS.ErrnoException): boolean {
  return GONE.has(error.code ?? '');
}

/** What nobody reads any more is lost, and nothing else. */
export function keepBrokenOutputHarmless(): void {
  watch(process.stdout);
  watch(process.stderr);
}

/** As above from the start on, but makes no stream before the application uses it. */
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
    // As under plain node, where nobody listens.
    return () => {
      throw error;
    };
  });
  on(stream, 'error', broken);
}
