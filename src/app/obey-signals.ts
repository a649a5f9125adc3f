// The signals to this process as commands of one app. Part of the composition; runs in the primary.

import { hasTerminal, installSignals, signalTable } from '../host/signals.ts';
import type { SupervisionHandle } from './supervision.ts';

interface Around {
  /** The app cannot be told anything any more: for a fast stop its workers are let go. */
  hasFailed(): boolean;
  release(): void;
  reopenLogs(): void;
  upgrade(): void;
  /** Called first for each signal. */
  seen(): void;
}

/** The returned function takes the handlers away again. */
export function obeySignals(
  handle: SupervisionHandle,
  { hasFailed, release, reopenLogs, upgrade, seen }: Around,
): () => void {
  const commands = {
    stop: (fast: boolean, reason: string) => {
      if (hasFailed() && fast) release();
      else void handle.stop({ fast }, reason);
    },
    reload: () => void handle.reload(),
    scale: (by: 1 | -1) => void handle.scale({ by }),
    reopenLogs,
    upgrade,
  };
  return installSignals(signalTable(hasTerminal()), commands, seen);
}
