// The primary is dead: finish what is here and leave, instead of Node's own immediate process.exit(0). Runs in the worker.
import cluster from 'node:cluster';

/** `onOrphaned` is called once, when the channel to the primary is gone. */
export function watchPrimary(onOrphaned: () => void): void {
  process.prependOnceListener('disconnect', () => {
    // node:cluster exits at once unless the worker was told to disconnect.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    keepBrokenOutputHarmless();
    onOrphaned();
  });
}

/** Output that went to the primary's pipe fails from now on; that must not kill a worker that still has requests to finish. */
function keepBrokenOutputHarmless(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && stream.listenerCount('error') === 1) throw error;
    });
  }
}
