// The primary is dead: finish what is here and leave, instead of Node's own immediate process.exit(0). Runs in the worker.
import cluster from 'node:cluster';
import { keepBrokenOutputHarmless } from './output.ts';

/** `onOrphaned` is called once, when the channel to the primary is gone. */
export function watchPrimary(onOrphaned: () => void): void {
  process.prependOnceListener('disconnect', () => {
    // node:cluster exits at once unless the worker was told to disconnect.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    keepBrokenOutputHarmless();
    onOrphaned();
  });
}
