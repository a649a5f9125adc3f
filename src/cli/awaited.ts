// What is said while the first start of an app takes its time: what is seen of it, and what to do if it is none that listens. Pure.

import type { Config } from '../config/options.ts';
import type { Snapshot } from '../supervisor/picture/snapshot.ts';

/** A server that boots takes less, and nobody looks at an empty screen for longer. */
export const AWAITED_AFTER_MS = 3_000;

/** Null when there is nothing to say: it is ready, or what fails tells itself. */
export function awaitedLine(
  { state, workers, listeners }: Pick<Snapshot, 'state' | 'workers' | 'listeners'>,
  { ready, probe, startTimeoutMs }: Pick<Config, 'ready' | 'probe' | 'startTimeoutMs'>,
): string | null {
  if (state !== 'starting' || workers.some((worker) => worker.state === 'ready')) return null;
  const waiting = workers.find((worker) => worker.state === 'starting' && worker.pid !== null);
  if (waiting === undefined) return null;
  const who = `worker ${waiting.slot ?? ''} (pid ${waiting.pid})`.replace('  ', ' ');
  const until = `tutti waits up to ${startTimeoutMs / 1000} s (--start-timeout)`;
  if (ready === 'message') return `${who} runs, and has not said process.send('ready') yet; ${until}`;
  if (ready === 'started') return `${who} runs, and its main module has not come to its end yet; ${until}`;
  if (listeners.length > 0) {
    return probe === null ? null : `${who} listens, and has not answered ${probe} well yet; ${until}`;
  }
  return `${who} runs, and listens on no port yet; ${until}. If it serves nothing, as a queue worker or a scheduler: --ready started`;
}
