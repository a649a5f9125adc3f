// Everything the world can tell the core.

import type { Heartbeat, RequestCounts } from '../../protocol/messages.ts';
import type { WorkerId } from './actions.ts';
import type { RequestInFlight } from './incident.ts';
import type { Listener } from './listener.ts';
import type { Policy } from './policy.ts';

export type SupervisorInput =
  | { type: 'tick' }
  // Worker processes, in the order in which they can happen.
  | { type: 'worker-online'; worker: WorkerId; pid: number }
  /** The main module ran to its end (or to its first await) without dying. */
  | { type: 'worker-started'; worker: WorkerId }
  /** A socket listens and no other listen() call of the worker is pending. */
  | { type: 'worker-listening'; worker: WorkerId; listeners: readonly Listener[]; search?: PortSearch }
  /** `process.send('ready')`. */
  | { type: 'worker-said-ready'; worker: WorkerId }
  /** The worker closed its last listening socket while it was not draining. `ending`: it has a reason to end. */
  | { type: 'worker-closed'; worker: WorkerId; ending: boolean }
  | { type: 'worker-probe'; worker: WorkerId; ok: boolean; detail: string }
  | { type: 'worker-heartbeat'; worker: WorkerId; beat: Heartbeat }
  /** A heartbeat of a worker that has nothing new to say. */
  | { type: 'worker-alive'; worker: WorkerId }
  /** The same of many workers at once; `agoMs`: how long ago each said it, `beat` null: it has nothing new to say. */
  | { type: 'workers-heard'; signs: readonly { worker: WorkerId; agoMs: number; beat: Heartbeat | null }[] }
  /** Its proportional set size; null where that cannot be known. The answer to `measure-memory`. */
  | { type: 'worker-memory'; worker: WorkerId; pssBytes: number | null }
  /** All that it counted, once its process has ended: the last heartbeat knew less. */
  | { type: 'worker-counted'; worker: WorkerId; counts: RequestCounts }
  /**
   * `left`: what is still open. `lasting`: only what lasts for as long as its client likes (upgraded connections, event streams), so
   * the drain may be over before its deadline.
   */
  | { type: 'worker-drained'; worker: WorkerId; left: readonly string[]; lasting: boolean }
  /** Only this worker got a TERM or INT from outside: drain and replace it. */
  | { type: 'worker-signalled'; worker: WorkerId; signal: string }
  /** It sent what cannot be used; `detail` says what and why. Its messages may be trusted no more. */
  | { type: 'worker-faulty'; worker: WorkerId; detail: string }
  | { type: 'worker-autopsy'; worker: WorkerId; incident: string | null }
  /** It dies before it is ready, of what another try does not cure, and stands still so that a sibling is the one to say of what. */
  | { type: 'worker-failing'; worker: WorkerId }
  | { type: 'worker-exit'; worker: WorkerId; code: number | null; signal: string | null; lastWords: LastWords }
  // Generations.
  | { type: 'generation-pinned'; generation: number; entry: string; policy?: PolicyChange; changedInPlace: boolean }
  | { type: 'generation-refused'; generation: number; reason: string }
  /** The files that this generation loaded were overwritten on disk: what is forked from it now would be a mix. */
  | { type: 'generation-changed-in-place'; generation: number }
  // Commands. `id` comes back in the answer.
  | { type: 'reload'; id: number }
  | { type: 'rollback'; id: number }
  | { type: 'scale'; id: number; to: number | { by: number } }
  | { type: 'recycle'; id: number; slot: number | null; reason: string }
  | { type: 'stop'; id: number; fast: boolean; reason: string };

/** How a worker came by its ports. */
export interface PortSearch {
  /** It asked for these, and a sibling had them, at another address. */
  missed: readonly number[];
  /** It asked for any, and got these. */
  chosen: readonly number[];
}

/** What is known of a worker's end, from the worker itself. */
export interface LastWords {
  /** An uncaught error's stack, as Node printed it. */
  error?: string;
  /** The last lines written to stderr (at most 20). */
  stderr: readonly string[];
  /** HTTP requests that were being served, oldest first, if the worker could still tell. */
  requests?: readonly RequestInFlight[];
  /** How the exit is explained if code and signal alone do not tell, e.g. `heap out of memory`. */
  explanation?: string;
  /** The line of the program's own source that `error` came from, with those around it. */
  frame?: readonly string[];
}

/** What a new configuration changes of the core's rules. Its workers boot by it; everything else applies once the reload has succeeded. */
export type PolicyChange = Partial<Policy>;
