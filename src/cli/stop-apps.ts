// The work of `tutti stop`: ends only when the process is gone, so that what comes next can take its name and its ports.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Found } from './choose-apps.ts';
import { type Control, control } from './control.ts';
import type { Outcome } from './outcome.ts';
import type { Terminal } from './terminal.ts';

const GONE_PATIENCE_MS = 5000;

export async function stopApps(
  apps: readonly Found[],
  { fast, ...common }: { fast: boolean } & Pick<Control, 'timeoutMs' | 'json' | 'quiet'>,
  terminal: Terminal,
): Promise<number> {
  const order: Control = {
    verb: 'stop',
    body: { fast },
    done: 'stopped',
    untilFailure: false,
    verify: ended,
    ...common,
  };
  return control(apps, order, terminal);
}

/** The last answer may be lost on the way out; what counts is that the process is gone. */
async function ended(app: Found, result: Outcome): Promise<Outcome> {
  if (!app.answers || (result.outcome !== 'done' && result.outcome !== 'lost')) return result;
  if (await isGone(app.snapshot.pid)) return { outcome: 'done' };
  return { outcome: 'timed-out', reason: `process ${app.snapshot.pid} has not ended yet` };
}

/** Whether the process has ended within a few seconds. */
async function isGone(pid: number): Promise<boolean> {
  for (const end = performance.now() + GONE_PATIENCE_MS; performance.now() < end; await delay(10)) {
    if (!isAlive(pid)) return true;
  }
  return false;
}

/** A zombie has given everything back and only waits for its parent, which in a container may take its time. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    // ESRCH: gone. Without /proc the signal has told that it lives.
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' && process.platform !== 'linux';
  }
}
