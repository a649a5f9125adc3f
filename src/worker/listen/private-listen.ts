// Servers that listen on a socket of this worker alone: with `exclusive` on port 0 or a pipe, or on a descriptor that the application made
// here. Nothing of them is shared or moved; they are reported, and closed in a drain. Runs in the worker.

import { errorMonitor } from 'node:events';
import { guarded, off, once } from '../guard.ts';
import { infoOf } from './fallback-listen.ts';
import type { PrivateServer } from './listen-hook.ts';
import type { ListenReport } from './listener-info.ts';

const WHAT = 'telling what listens';

export class PrivateListeners {
  readonly #servers = new Set<PrivateServer>();
  readonly #report: ListenReport;

  constructor(report: ListenReport) {
    this.#report = report;
  }

  /** `server` is about to listen. Returns what to call if listen() does not even begin. */
  add(server: PrivateServer): () => void {
    this.#report.listenPending();
    const listens = guarded(WHAT, () => {
      off(server, errorMonitor, fails);
      this.#servers.add(server);
      once(
        server,
        'close',
        guarded(WHAT, () => {
          this.#servers.delete(server);
          this.#report.closed(server);
        }),
      );
      this.#report.listenSettled(server, infoOf(server));
    });
    const fails = guarded(WHAT, () => {
      off(server, 'listening', listens);
      off(server, errorMonitor, fails);
      this.#report.listenSettled(server, null);
    });
    once(server, 'listening', listens);
    once(server, errorMonitor, fails);
    return fails;
  }

  /** The servers go on "listening" for the application. */
  stopAccepting(): void {
    for (const server of this.#servers) (server._handle as { close?(): void } | null)?.close?.();
  }
}
