// Everything the world can tell the core.

import type { Heartbeat, RequestCounts } from '../../protocol/messages.ts';
import type { WorkerId } from './actions.ts';
import type { Forebear } from './forebear.ts';
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
  /** With `ip-hash`: all its clients come from this address; null: they come from several. */
  | { type: 'worker-clients'; worker: WorkerId; address: string | null }
  /** `process.send('ready')`. */
  | { type: 'worker-said-ready'; worker: WorkerId }
  /** The worker closed its last listening socket while it was not draining. `ending`: it has a reason to end. */
  | { type: 'worker-closed'; worker: WorkerId; ending: boolean }
  | { type: 'worker-probe'; worker: WorkerId; ok: boolean; detail: string }
  /** It was admitted, and needs nobody any more to accept. The answer to `admit`: within 2 s, or its exit comes. */
  | { type: 'worker-accepting'; worker: WorkerId }
  | { type: 'worker-heartbeat'; worker: WorkerId; beat: Heartbeat }
  /** A heartbeat of a worker that has nothing new to say. */
  | { type: 'worker-alive'; worker: WorkerId }
  /** Signs of life of many workers at once. `agoMs`: how long ago; `beat` null: it has nothing new to say. */
  | { type: 'workers-heard'; signs: readonly { worker: WorkerId; agoMs: number; beat: Heartbeat | null }[] }
  /** Its proportional set size; null where that cannot be known. The answer to `measure-memory`. */
  | { type: 'worker-memory'; worker: WorkerId; pssBytes: number | null }
  /** Everything that it had counted when its process ended. Its last heartbeat knew less. */
  | { type: 'worker-counted'; worker: WorkerId; counts: RequestCounts }
  /**
   * `left`: what is still open. `lasting`: only connections that stay open for as long as their clients like (upgraded ones, event streams),
   * so the drain may have ended before its deadline.
   */
  | { type: 'worker-drained'; worker: WorkerId; left: readonly string[]; lasting: boolean }
  /** Only this worker got a TERM or INT from outside: drain and replace it. */
  | { type: 'worker-signalled'; worker: WorkerId; signal: string }
  /** It sent an unusable message; `detail` says what and why. Its messages are no longer trusted. */
  | { type: 'worker-faulty'; worker: WorkerId; detail: string }
  | { type: 'worker-autopsy'; worker: WorkerId; incident: string | null }
  /** It dies before it is ready, of an error that a retry does not cure. It waits, so that a sibling can be the one to print the error. */
  | { type: 'worker-failing'; worker: WorkerId }
  | { type: 'worker-exit'; worker: WorkerId; code: number | null; signal: string | null; lastWords: LastWords }
  // Generations.
  | { type: 'generation-pinned'; generation: number; entry: string; policy?: PolicyChange; changedInPlace: boolean }
  | { type: 'generation-refused'; generation: number; reason: string }
  /** The files that this generation loaded were overwritten on disk: what is forked from it now would be a mix. */
  | { type: 'generation-changed-in-place'; generation: number }
  /** The supervisor before this one has handed over: a rollback goes back to what it ran. */
  | { type: 'succeeded'; previous: Forebear }
  // The machine.
  /** What a container may use has changed, and with it how many workers the configuration means. */
  | { type: 'resized'; workers: Policy['workers']; reason: string }
  /** The memory limit is near, at which the kernel would end every process of the container. */
  | { type: 'memory-pressure'; usedBytes: number; limitBytes: number }
  // Commands. `id` comes back in the answer.
  | { type: 'reload'; id: number }
  | { type: 'rollback'; id: number }
  | { type: 'scale'; id: number; to: number | { by: number } }
  | { type: 'recycle'; id: number; slot: number | null; reason: string }
  | { type: 'stop'; id: number; fast: boolean; reason: string };

/** How a worker came by its ports. */
export interface PortSearch {
  /** Ports that it asked for and that a sibling had, at another address. */
  missed: readonly number[];
  /** Ports that the system chose for it. */
  chosen: readonly number[];
}

/** What the worker itself has said about its end. */
export interface LastWords {
  /** An uncaught error's stack, as Node printed it. */
  error?: string;
  /** The last lines written to stderr (at most 20). */
  stderr: readonly string[];
  /** HTTP requests that were being served, oldest first, if the worker could still tell. */
  requests?: readonly RequestInFlight[];
  /** Explains the exit if code and signal alone do not, e.g. `heap out of memory`. */
  explanation?: string;
  /** The line of the program's source that `error` came from, with the lines around it. */
  frame?: readonly string[];
}

/** How a new configuration changes the core's rules. Its workers boot by them; the rest applies once the reload has succeeded. */
export type PolicyChange = Partial<Policy>;
