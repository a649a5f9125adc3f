// Under which scheme a server of the application can be asked. Runs in the worker.

import type { Server } from 'node:net';

/** Without loading http or tls: an application that has such a server has loaded them, another one need not pay for them. */
export function schemeOf(server: Server): 'http' | 'https' | undefined {
  if (!('keepAliveTimeout' in server) && server.listenerCount('request') === 0) return undefined;
  return 'getTicketKeys' in server ? 'https' : 'http';
}
