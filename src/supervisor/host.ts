// The outside world as the core sees it. The core is driven by `SupervisorInput`s and answers with `Action`s;
// whoever implements `Host` (host/node-host.ts in production, a fake in tests) performs them. Nothing in supervisor/ touches a
// clock, a process, a socket or a file.

import type { MemoryRoom } from './decide/headroom.ts';
import type { Action } from './vocabulary/actions.ts';

/** Every member is required: who stands between the core and its host must pass all of them on, and the compiler holds that. */
export interface Host {
  /** Monotonic milliseconds. */
  now(): number;
  /** The memory that is left for more workers; null where nothing limits it. */
  memoryRoom(): MemoryRoom | null;
  /** Uniform in [0, 1). */
  random(): number;
  /** Carries an action out. Never throws and never calls back synchronously: results come as later inputs. */
  perform(action: Action): void;
}
