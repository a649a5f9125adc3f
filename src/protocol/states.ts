// The words for what a supervisor, a worker and a slot are doing: of the snapshot, the API's schemas and the metrics alike.

export const primaryStates = ['starting', 'running', 'reloading', 'stopping', 'stopped'] as const;

export const workerStates = ['starting', 'spare', 'ready', 'suspect', 'draining', 'stopping', 'killing'] as const;

/** Of slots that hold no process. */
export const slotStates = ['backoff', 'broken', 'vacant'] as const;
