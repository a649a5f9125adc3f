// Lets all workers of an app share their compiled code, where Node can. Through the API: no environment variable that the
// application's own processes would inherit. Runs in the worker.
import module from 'node:module';

/** Node 22.8; types and presence differ by version. */
interface MaybeCompileCache {
  enableCompileCache?: () => unknown;
  flushCompileCache?: () => void;
}

export interface CompileCache {
  /** Writes it out; otherwise only a worker that exits by itself would. */
  flush(): void;
}

export function enableCompileCache(): CompileCache {
  const api = module as MaybeCompileCache;
  try {
    api.enableCompileCache?.();
  } catch {
    // Then the code is compiled.
  }
  return { flush: () => api.flushCompileCache?.() };
}
