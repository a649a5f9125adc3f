// The primary is dead: finish what is here and leave, instead of Node's own immediate process.exit(0). Runs in the worker.
import type { Guarded } from './guard.ts';
import { lookAtChannel, whenLost } from './leave.ts';
import { keepBrokenOutputHarmless } from './output.ts';

/**
 * `onOrphaned` is called once, when the channel to the primary is gone. The returned function looks for that; call it once a second,
 * so that an application with a `process.disconnect` of its own cannot hide it.
 */
export function watchPrimary(onOrphaned: () => void): Guarded {
  whenLost(() => {
    keepBrokenOutputHarmless();
    onOrphaned();
  });
  return lookAtChannel;
}
