// The preload: tutti loads it into the user's process with --require, before the user's code. It runs in every worker's main thread; in
// threads and grandchildren that inherit the flag, it only removes its flags again. The primary starts it in src/host/process/fork.ts.
import { dirname } from 'node:path';
import { BOOT_VARIABLE, type BootInfo, PROTOCOL, type ToPrimary } from '../protocol/messages.ts';
import { enableCompileCache } from './compile-cache.ts';
import { verifyAccount } from './rights/verify-account.ts';

const text = process.env[BOOT_VARIABLE];
// A thread has none. Asking node:worker_threads would take longer than the rest of this file.
const hasChannel = process.send !== undefined;

if (hasChannel && text !== undefined) {
  // A process that the application forks must not take itself for a worker.
  delete process.env[BOOT_VARIABLE];
  const boot = JSON.parse(text) as BootInfo;
  if (boot.protocol !== PROTOCOL) leaveUnused();
  if (boot.account) verifyAccount(boot.account);
  // In place, so that a reference taken earlier sees the change too.
  process.execArgv.splice(0, process.execArgv.length, ...boot.execArgv);
  // First, so that our own code comes from the cache too.
  const cache = boot.compileCache ? enableCompileCache() : null;
  // Loaded only here, so that a thread pays for none of it.
  const { start } = require('./start.ts') as typeof import('./start.ts');
  start(boot, cache);
} else {
  removeOwnFlags(process.execArgv);
}

// An application that walks or clears the module cache does not find us there.
for (const path of Object.keys(require.cache)) if (dirname(path) === __dirname) delete require.cache[path];

/** The primary is another version of tutti than this file. HELLO tells it so, and it tells its user what to do. */
function leaveUnused(): never {
  process.send?.({ cmd: 'NODE_TUTTI_HELLO', protocol: PROTOCOL, selfTest: 'ok' } satisfies ToPrimary, () => {});
  process.exit(1);
}

/** Our flag and all flags after it are tutti's or node:cluster's. */
function removeOwnFlags(args: string[]): void {
  const at = args.findIndex(
    (arg, i) =>
      arg === `--require=${__filename}` || ((arg === '--require' || arg === '-r') && args[i + 1] === __filename),
  );
  if (at !== -1) args.splice(at);
}
