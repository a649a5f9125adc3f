// Lets tutti's own code be compiled once and not at every start (Node 22.8 and later), in a folder that nobody else can write to: what is
// read there is run. To be called before the code is loaded. Runs in the CLI and in primaries that are tutti's own.

import module from 'node:module';
import { join } from 'node:path';
import { ensurePrivateFolder, lastingFolder } from '../files/state-folder.ts';

/** Types and presence differ by version. */
interface MaybeCompileCache {
  enableCompileCache?: (folder: string) => unknown;
}

/** Never throws: where nothing can be kept, it is compiled as ever. */
export function rememberCompiled(env: NodeJS.ProcessEnv): void {
  const api = module as MaybeCompileCache;
  if (api.enableCompileCache === undefined) return;
  try {
    // By a call and not by a variable, which the workers would inherit.
    const folder = join(lastingFolder(env), 'compiled');
    ensurePrivateFolder(folder);
    api.enableCompileCache(folder);
  } catch {
    // A home that is not there or not ours.
  }
}
