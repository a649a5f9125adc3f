// How often a worker's main loop gives a sign of life, and what it means when none comes.

export const HEARTBEAT_MS = 1000;

/** Half a beat late, which is more than a busy machine explains: others accept beside the worker. */
export const LATE_MS = 1.5 * HEARTBEAT_MS;
/** It is given no connections, is not asked, and its figures are those of a worker that stands still. */
export const SILENT_MS = 2.5 * HEARTBEAT_MS;
/** The operator is told. */
export const SUSPECT_MS = 5 * HEARTBEAT_MS;
