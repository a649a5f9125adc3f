// The scheme for requests to a server of the application. Runs in the worker.

import type { Server } from 'node:net';

/** Does not load http or tls: an application with such a server has loaded them, and others should not pay for them. */
export function schemeOf(server: Server): 'http' | 'https' | undefined {
  if (!('keepAliveTimeout' in server) && server.listenerCount('request') === 0) return undefined;
  return 'getTicketKeys' in server ? 'https' : 'http';
}
