// Which parts of a new configuration a reload cannot bring: they belong to the supervisor itself, which a reload does not replace.
// Pure; runs in the primary.

import type { Config } from '../config/options.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';

const ofSupervisor: readonly (keyof Config)[] = [
  'name',
  'admin',
  'orphan',
  'orphanTimeoutMs',
  'logFormat',
  'logFile',
  'logMaxSizeBytes',
  'logMaxAgeMs',
  'logKeep',
  'watch',
  'watchIgnore',
  'cron',
];

/** The balance of new workers. Round-robin is the primary's own work and stays what it was at the start. */
export function balanceOf(before: Config, after: Config): Config['balance'] {
  const canChange = before.balance !== 'round-robin' && after.balance !== 'round-robin';
  return canChange ? after.balance : before.balance;
}

/** The options whose new values wait for a restart. `before` is what the supervisor was started with. */
export function waitingForRestart(before: Config, after: Config): (keyof Config)[] {
  const changed = ofSupervisor.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return balanceOf(before, after) === after.balance ? changed : [...changed, 'balance'];
}

/** What is said of them. `successor`: how one of this process is started; null: there can be none. */
export function heldBack(name: string, waiting: readonly string[], successor: object | null): SupervisorEvent {
  const what = `the new value of ${waiting.join(', ')}`;
  const reason = `it takes more than a reload: tutti ${successor === null ? 'restart' : 'upgrade'} ${name}`;
  return { type: 'held-back', what, reason };
}
