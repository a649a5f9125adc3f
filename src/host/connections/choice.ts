// What a choice of a worker for a connection starts from and ends with (primary).

import type { AdoptMode } from '../../protocol/messages.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

/** Those that have the socket, but for the connection's sender. All of them live and have given signs of life lately. */
export interface Candidates {
  /** They accept. */
  able: readonly DataPlaneWorker[];
  /** Those of them that have not refused it. */
  willing: readonly DataPlaneWorker[];
  /** They drain, and have to take what nobody else can: empty while somebody is able. */
  leaving: readonly DataPlaneWorker[];
}

/** `wait`: somebody should have it, but has to answer first. Null: nobody can take it now. */
export type Choice = { worker: DataPlaneWorker; mode: AdoptMode } | 'wait' | null;
