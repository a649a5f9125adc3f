// The primary is dead: finish what is here and leave, instead of Node's own immediate process.exit(0). Runs in the worker.
import cluster from 'node:cluster';
import { keepBrokenOutputHarmless } from './output.ts';

/**
 * `onOrphaned` is called once, when the channel to the primary is gone. The returned function looks for that; call it once a second,
 * because Node keeps back its 'disconnect' for as long as the primary has not taken a handle that was sent to it, and a dead one never does.
 */
export function watchPrimary(onOrphaned: () => void): () => void {
  let orphaned = false;
  const gone = (): void => {
    if (orphaned) return;
    orphaned = true;
    // node:cluster exits at once unless the worker was told to disconnect.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    keepBrokenOutputHarmless();
    onOrphaned();
  };
  process.prependOnceListener('disconnect', gone);
  return () => {
    if (!process.connected) gone();
  };
}
