// The preload: what tutti loads into the user's process, by --require, before anything of the user's.
// Runs in every worker's main thread; in threads and grandchildren that inherit the flag it only takes its flags out again.
import { dirname } from 'node:path';
import { BOOT_VARIABLE, type BootInfo, PROTOCOL, type ToPrimary } from '../protocol/messages.ts';
import { enableCompileCache } from './compile-cache.ts';
import { verifyAccount } from './rights/verify-account.ts';

const text = process.env[BOOT_VARIABLE];
// Threads have none, and loading node:worker_threads to ask whether this is one takes longer than all the rest of this file.
const hasChannel = process.send !== undefined;

if (hasChannel && text !== undefined) {
  // What the application forks must not take itself for a worker.
  delete process.env[BOOT_VARIABLE];
  const boot = JSON.parse(text) as BootInfo;
  if (boot.protocol !== PROTOCOL) leaveUnused();
  if (boot.account) verifyAccount(boot.account);
  // In place: whoever holds a reference to the array sees the change too.
  process.execArgv.splice(0, process.execArgv.length, ...boot.execArgv);
  // First, so that our own code comes from there too.
  const cache = boot.compileCache ? enableCompileCache() : null;
  // Loaded only here, so that a thread pays for none of it.
  const { start } = require('./start.ts') as typeof import('./start.ts');
  start(boot, cache);
} else {
  removeOwnFlags(process.execArgv);
}

// An application that walks or clears the cache of modules does not meet us there.
for (const path of Object.keys(require.cache)) if (dirname(path) === __dirname) delete require.cache[path];

/** The primary is of another tutti than this file, and neither would understand the other: it tells its user what to do. */
function leaveUnused(): never {
  process.send?.({ cmd: 'NODE_TUTTI_HELLO', protocol: PROTOCOL, selfTest: 'ok' } satisfies ToPrimary, () => {});
  process.exit(1);
}

/** What follows our flag is tutti's and node:cluster's too. */
function removeOwnFlags(args: string[]): void {
  const at = args.findIndex(
    (arg, i) =>
      arg === `--require=${__filename}` || ((arg === '--require' || arg === '-r') && args[i + 1] === __filename),
  );
  if (at !== -1) args.splice(at);
}
