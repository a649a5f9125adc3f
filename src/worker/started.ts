// Finds out when the main module has run. Runs in the worker.
//
// CommonJS: it has run when the first check phase after the preload comes. ESM loads asynchronously and may stay in a top-level
// await for as long as it lives. Its end is seen where Node offers it (22+: the diagnostics channel of imports; 20: Node takes its
// exit listener back). A module that is still awaiting counts as started once the loop has had nothing to do for a second.

import * as clock from './clock.ts';
import { cancel, guarded, off, on, repeat, soon, subscribe, unsubscribe } from './guard.ts';
import { process } from './own-process.ts';

const IMPORT_ENDED = 'tracing:module.import:asyncEnd';
const IDLE_MS = 1000;
const POLL_MS = 100;

export function whenStarted(report: () => void): void {
  let done = false;
  const what = 'seeing that the program has started';
  const reportGuarded = guarded(what, report);
  const onImport = guarded(what, (message: unknown) => {
    const { parentURL, error } = message as { parentURL?: unknown; error?: unknown };
    // Only the entry is imported by nobody.
    if (parentURL === undefined && error === undefined) finish();
  });
  const onRemove = guarded(what, (event: string | symbol, listener: unknown) => {
    if (event === 'exit' && (listener as { name?: string }).name === 'handleProcessExit') finish();
  });
  const finish = (): void => {
    if (done) return;
    done = true;
    unsubscribe(IMPORT_ENDED, onImport);
    off(process, 'removeListener', onRemove);
    // Not at once: a module that failed dies in between, and must not have started.
    soon(reportGuarded);
  };

  subscribe(IMPORT_ENDED, onImport);
  on(process, 'removeListener', onRemove);
  const firstTurn = guarded(what, () => {
    if (process.mainModule !== undefined) finish();
    else watchIdle();
  });
  soon(firstTurn);

  function watchIdle(): void {
    let idleMs = 0;
    let last = clock.loopUse();
    const look = guarded(what, () => {
      const now = clock.loopUse();
      idleMs += now.idle - last.idle;
      last = now;
      if (idleMs >= IDLE_MS) finish();
      if (done) cancel(timer);
    });
    const timer = repeat(POLL_MS, look).unref();
  }
}
