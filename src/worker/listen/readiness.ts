// Tells the primary when the application listens, and when it has stopped to. Runs in the worker.
import type { ToPrimary } from '../../protocol/messages.ts';
import { post } from '../channel.ts';
import { isEndingItself } from '../drain/own-end.ts';
import { guarded, soon } from '../guard.ts';

export type Listening = Extract<ToPrimary, { cmd: 'NODE_TUTTI_LISTENING' }>['listeners'][number];

export interface Readiness {
  /** A listen() began; nothing is reported before it is settled. */
  listenPending(): void;
  /** It ended: with a listener, or with null when it failed. `key` is what `closed` names later. */
  listenSettled(key: object, listener: Listening | null): void;
  /** A listening socket was closed by the application. */
  closed(key: object): void;
  /** From now on a closed socket is our own doing. */
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
  // In the check phase: a listen() that the application starts in the callback of another one is then already pending.
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
