// What every room must know alike of workers: how many there may be, and the words of the snapshot, the API and the metrics for what a
// supervisor, a worker and a slot are doing.

/** More processes than this on one machine is a slip of the finger. */
export const MOST_WORKERS = 1024;

export const primaryStates = ['starting', 'running', 'reloading', 'stopping', 'stopped'] as const;

export const workerStates = ['starting', 'spare', 'ready', 'suspect', 'draining', 'stopping', 'killing'] as const;

/** Of slots that hold no process. */
export const slotStates = ['backoff', 'broken', 'vacant'] as const;
