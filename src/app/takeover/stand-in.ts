// What is left to do for a supervisor whose successor has taken over. Part of the composition; runs in the old primary.

import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import { hasTerminal } from '../../host/signals.ts';

const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU'] as const;
/** A terminal sends these to the whole group, the successor included. */
const ofTerminal: readonly string[] = ['SIGINT', 'SIGQUIT', 'SIGHUP'];

/** Signals to this process are meant for the heir. Kept when that has ended, with the exit code that a shell would give it. */
export function standInFor(heir: ChildProcess): Promise<number> {
  const isForeground = hasTerminal();
  for (const signal of signals) {
    process.on(signal, () => {
      if (!(isForeground && ofTerminal.includes(signal))) heir.kill(signal);
    });
  }
  const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
    code ?? 128 + (constants.signals[signal ?? 'SIGKILL'] ?? 0);
  if (heir.exitCode !== null || heir.signalCode !== null)
    return Promise.resolve(codeOf(heir.exitCode, heir.signalCode));
  return new Promise((ended) => heir.once('exit', (code, signal) => ended(codeOf(code, signal))));
}

/** Node closes what is open when it ends by itself, and with a unix socket goes its path, at which the heir listens now. */
export function leaveAtOnce(): void {
  process.on('exit', (code) => process.exit(code));
}
