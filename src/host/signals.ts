// Turns signals to the primary into commands (primary). Installed only on request: a library must not change what signals mean in the program
// that uses it. What a signal to a worker means is in src/worker/signals.ts.

import { closeSync, openSync } from 'node:fs';

export interface SignalCommands {
  /** `fast`: without drain. */
  stop(fast: boolean, reason: string): void;
  reload(reason: string): void;
  scale(by: 1 | -1): void;
  reopenLogs(): void;
  /** A successor of this process takes its place. */
  upgrade(): void;
}

type Reaction = (commands: SignalCommands, signal: NodeJS.Signals) => void;

export type SignalTable = Partial<Record<NodeJS.Signals, Reaction>>;

/** The meaning of each signal. `terminal`: whether the primary belongs to one, where a hang-up means that its user has gone. */
export function signalTable(terminal: boolean): SignalTable {
  let interrupts = 0;
  return {
    SIGTERM: (commands) => commands.stop(false, 'SIGTERM'),
    SIGINT: (commands) => {
      interrupts += 1;
      commands.stop(interrupts > 1, interrupts > 1 ? 'second SIGINT' : 'SIGINT');
    },
    SIGQUIT: (commands) => commands.stop(true, 'SIGQUIT'),
    SIGHUP: (commands) => (terminal ? commands.stop(false, 'SIGHUP') : commands.reload('SIGHUP')),
    SIGTTIN: (commands) => commands.scale(1),
    SIGTTOU: (commands) => commands.scale(-1),
    SIGUSR1: (commands) => commands.reopenLogs(),
    SIGUSR2: (commands) => commands.upgrade(),
  };
}

/** Whether this process has a controlling terminal. */
export function hasTerminal(): boolean {
  if (process.platform === 'win32') return process.stdin.isTTY === true;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs the table on this process and calls `seen` first for each signal. The function it returns takes everything away again.
 * Windows knows only the console's Ctrl-C, so the others are left out there.
 */
export function installSignals(
  table: SignalTable,
  commands: SignalCommands,
  seen: (signal: NodeJS.Signals) => void,
): () => void {
  const installed: [NodeJS.Signals, () => void][] = [];
  for (const [name, reaction] of Object.entries(table) as [NodeJS.Signals, Reaction][]) {
    if (process.platform === 'win32' && name !== 'SIGINT') continue;
    const listener = () => {
      seen(name);
      reaction(commands, name);
    };
    process.on(name, listener);
    installed.push([name, listener]);
  }
  return () => {
    for (const [name, listener] of installed) process.off(name, listener);
  };
}
