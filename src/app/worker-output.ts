// The log process as part of the composition: whether there is one, and what becomes of what it tells. Runs in the primary.

import { freshToken } from '../admin/server/token.ts';
import type { Config } from '../config/options.ts';
import { WorkerLog } from '../logs/workers/worker-log.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';

interface Around {
  /** A folder of this user alone. */
  folder: () => string;
  report: (event: SupervisorEvent) => void;
  replaceWorkers: () => void;
}

/** A log process, if the configuration asks for what only one can do: files, and lines that are made into something else. */
export function workerLog(config: Config, inherits: boolean, around: Around): WorkerLog | null {
  const { logFile, logFormat, logMaxSizeBytes, logMaxAgeMs, logKeep } = config;
  const format = logFormat ?? 'raw';
  if (logFile === null && (format === 'raw' || !inherits)) return null;
  const { folder, report, replaceWorkers } = around;
  const warn = (message: string): void => report({ type: 'notice', level: 'warn', message });
  return new WorkerLog({
    format,
    file:
      logFile === null ? null : { file: logFile, maxSizeBytes: logMaxSizeBytes, maxAgeMs: logMaxAgeMs, keep: logKeep },
    folder,
    secret: freshToken(),
    onMissing: warn,
    onUnrotated: warn,
    onLost: (message) => {
      warn(message);
      replaceWorkers();
    },
    onWriting: (state) =>
      report(
        state.ok
          ? { type: 'output-restored', file: logFile, lost: state.lost }
          : { type: 'output-lost', file: logFile, reason: state.reason },
      ),
  });
}
