// Tells the primary when the application listens, and when it no longer does. Runs in the worker; what follows from it is decided in
// src/supervisor/decide/health.ts.
import type { ToPrimary } from '../../protocol/messages.ts';
import { post } from '../channel.ts';
import { isEndingItself } from '../drain/own-end.ts';
import { guarded, soon } from '../guard.ts';

export type Listening = Extract<ToPrimary, { cmd: 'NODE_TUTTI_LISTENING' }>['listeners'][number];

export interface Readiness {
  /** A listen() began. Nothing is reported before it is settled. */
  listenPending(): void;
  /** It ended: with a listener, or with null when it failed. `key` is what `closed` names later. */
  listenSettled(key: object, listener: Listening | null): void;
  /** A listening socket was closed by the application. */
  closed(key: object): void;
  /** From now on sockets are closed by tutti, not by the application. */
  draining(): void;
}

/** `onListening` is called after each report that the worker listens. */
export function createReadiness(onListening: () => void): Readiness {
  const listeners = new Map<object, Listening>();
  let pending = 0;
  let scheduled = false;
  let draining = false;
  let told = '';

  const report = guarded('telling what listens', () => {
    scheduled = false;
    const now = JSON.stringify([...listeners.values()]);
    if (pending > 0 || draining || now === told) return;
    if (listeners.size > 0) {
      told = now;
      post({ cmd: 'NODE_TUTTI_LISTENING', listeners: [...listeners.values()] });
      onListening();
    } else if (told !== '') {
      told = '';
      post({ cmd: 'NODE_TUTTI_CLOSED', ending: isEndingItself() });
    }
  });
  // In the check phase, when a listen() that was started in the callback of another one is already pending.
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    soon(report);
  };

  return {
    listenPending() {
      pending++;
    },
    listenSettled(key, listener) {
      pending--;
      if (listener !== null) listeners.set(key, listener);
      schedule();
    },
    closed(key) {
      if (listeners.delete(key)) schedule();
    },
    draining() {
      draining = true;
    },
  };
}
