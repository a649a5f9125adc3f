// Finds out when the main module has run. Runs in the worker.
//
// CommonJS: it has run when the first check phase after the preload comes. ESM loads asynchronously and may stay in a top-level
// await for as long as it lives. Its end is seen where Node offers it (22+: the diagnostics channel of imports; 20: Node takes its
// exit listener back). A module that is still awaiting counts as started once the loop has had nothing to do for a second.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';

const IMPORT_ENDED = 'tracing:module.import:asyncEnd';
const IDLE_MS = 1000;
const POLL_MS = 100;

export function whenStarted(report: () => void): void {
  let done = false;
  const onImport = (message: unknown): void => {
    const { parentURL, error } = message as { parentURL?: unknown; error?: unknown };
    // Only the entry is imported by nobody.
    if (parentURL === undefined && error === undefined) finish();
  };
  const onRemove = (event: string | symbol, listener: unknown): void => {
    if (event === 'exit' && (listener as { name?: string }).name === 'handleProcessExit') finish();
  };
  const finish = (): void => {
    if (done) return;
    done = true;
    unsubscribe(IMPORT_ENDED, onImport);
    process.removeListener('removeListener', onRemove);
    // Not at once: a module that failed dies in between, and must not have started.
    setImmediate(report);
  };

  subscribe(IMPORT_ENDED, onImport);
  process.on('removeListener', onRemove);
  setImmediate(() => {
    if (process.mainModule !== undefined) finish();
    else watchIdle();
  });

  function watchIdle(): void {
    let idleMs = 0;
    let last = performance.eventLoopUtilization();
    const timer = setInterval(() => {
      const now = performance.eventLoopUtilization();
      idleMs += now.idle - last.idle;
      last = now;
      if (idleMs >= IDLE_MS) finish();
      if (done) clearInterval(timer);
    }, POLL_MS).unref();
  }
}
