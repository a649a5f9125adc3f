// Output whose reader is gone: under plain node a write to it ends the process. Runs in the worker, which has a reader that the
// application did not choose and cannot know of: the primary's pipe, or the log process. Its death must cost no request.

const GONE = new Set(['EPIPE', 'ECONNRESET']);
const guarded = new WeakSet<object>();

/** True of the error that a write gets when nobody is there any more to read it. */
export function isUnread(error: NodeJS.ErrnoException): boolean {
  return GONE.has(error.code ?? '');
}

/** What nobody reads any more is lost, and nothing else. */
export function keepBrokenOutputHarmless(): void {
  guard(process.stdout);
  guard(process.stderr);
}

/** As above from the start on, but makes no stream before the application uses it. */
export function expectBrokenOutput(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const property = Object.getOwnPropertyDescriptor(process, name);
    const get = property?.get;
    if (property?.configurable !== true || get === undefined) continue;
    Object.defineProperty(process, name, { ...property, get: () => guard(get.call(process) as NodeJS.WriteStream) });
  }
}

function guard(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (guarded.has(stream)) return stream;
  guarded.add(stream);
  return stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!isUnread(error) && stream.listenerCount('error') === 1) throw error;
  });
}
