// How long HTTP servers keep idle connections, where the configuration says so and the application does not. A balancer in front that keeps
// them for longer sends requests into connections that are just being closed. Runs in the worker.

import { watchServers } from './listen/servers.ts';

/** Of every supported version of Node. */
export const NODE_KEEP_ALIVE_MS = 5000;

/** What the application sets itself, before or after listen(), holds. */
export function setKeepAlive(ms: number): void {
  watchServers((server) => {
    if (server.keepAliveTimeout === NODE_KEEP_ALIVE_MS) server.keepAliveTimeout = ms;
  });
}
