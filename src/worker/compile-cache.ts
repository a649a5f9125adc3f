// Lets all workers of an app share their compiled code, where Node can. It uses the API, because an environment variable would be inherited
// by the application's own child processes. Runs in the worker.
import module from 'node:module';

/** Added in Node 22.8; later versions changed its types. */
interface MaybeCompileCache {
  enableCompileCache?: () => unknown;
  flushCompileCache?: () => void;
}

export interface CompileCache {
  /** Writes the cache to disk. Node itself does so only when the process exits by itself. */
  flush(): void;
}

export function enableCompileCache(): CompileCache {
  const api = module as MaybeCompileCache;
  try {
    api.enableCompileCache?.();
  } catch {
    // The code is compiled as usual.
  }
  return { flush: () => api.flushCompileCache?.() };
}
