// The input and the result of choosing a worker for a connection (primary).

import type { AdoptMode } from '../../protocol/messages.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

/** The workers that have the socket, except the connection's sender. All are alive and have given a sign of life lately. */
export interface Candidates {
  /** Workers that accept. */
  able: readonly DataPlaneWorker[];
  /** Those of `able` that have not refused it. */
  willing: readonly DataPlaneWorker[];
  /** Workers that drain. They have to take what nobody else can. Empty while `able` is not. */
  leaving: readonly DataPlaneWorker[];
}

/** `wait`: a worker should have it, but must first answer an earlier offer. Null: nobody can take it now. */
export type Choice = { worker: DataPlaneWorker; mode: AdoptMode } | 'wait' | null;
