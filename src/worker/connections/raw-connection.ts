// How an open connection leaves Node's server as a raw handle, and how one that was taken over goes on there. Runs in the worker.

import type { RawConnection } from '../../protocol/raw-handle.ts';
import { guarded, nextTick } from '../guard.ts';
import type { AnyServer } from '../listen/servers.ts';
import { resumeBetweenRequests } from './between-requests.ts';
import { type Connection, leave } from './connections.ts';
import type { PrivateSocket } from './movable.ts';

/** As Node adds to keepAliveTimeout, so that the server is never the first to give up a connection. */
const KEEP_ALIVE_BUFFER_MS = 1000;

interface HttpLimits extends AnyServer {
  keepAliveTimeout: number;
  keepAliveTimeoutBuffer?: number;
}

/** Null once it is closed or taken out. */
export function rawOf({ socket }: Connection): RawConnection | null {
  return (socket as PrivateSocket)._handle;
}

/** Takes the raw handle out of a socket, which then closes without a word to the client. The handle is as if it had just been accepted. */
export function detach(connection: Connection, client: RawConnection): void {
  const socket = connection.socket as PrivateSocket;
  client.readStop?.();
  client.onread = () => {};
  // Node notes on the handle that somebody reads from it. If it is served here again, the next socket would believe that, and wait for ever.
  client.reading = false;
  client._consumed = false;
  socket._handle = null;
  socket.setTimeout(0);
  socket.destroy();
  // As if it had closed: no handle is left to tell.
  nextTick(guarded('the count of connections', () => leave(connection)));
}

/** The connection is between two requests, not before its first: Node's timeouts have to know. */
export function resume(connection: Connection): void {
  const { server, socket } = connection;
  connection.adopted = true;
  const limits = server as HttpLimits | null;
  if (limits?.keepAliveTimeout === undefined) return;
  const { keepAliveTimeout, keepAliveTimeoutBuffer = KEEP_ALIVE_BUFFER_MS } = limits;
  if (keepAliveTimeout > 0) socket.setTimeout(keepAliveTimeout + keepAliveTimeoutBuffer);
  resumeBetweenRequests(socket);
}
