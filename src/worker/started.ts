// Finds out when the main module has run. Runs in the worker.
//
// CommonJS has run at the first check phase after the preload. ESM loads asynchronously and may stay in a top-level await for as long as
// the process lives. Node tells when it has run: 22+ by the diagnostics channel of imports, 20 by removing its exit listener. A module that
// is still awaiting counts as started once the loop has had nothing to do for a second.

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
    // Only the entry has no parent.
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
    // Not at once: a module that has failed ends the process first, and must not count as started.
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
