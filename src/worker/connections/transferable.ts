// Which connections a sibling can be given now, by the rules of Node, of the application and of the operator. Runs in the worker.

import type { Transfer } from '../../protocol/balance.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import type { ListenHandle } from '../listen/listen-handle.ts';
import type { AnyServer } from '../listen/servers.ts';
import type { Held } from './adoptions.ts';
import type { Connection } from './connections.ts';
import { isUsed, movableNow } from './movable.ts';
import { hasOwnState } from './own-state.ts';
import { rawOf } from './raw-connection.ts';

export interface TransferRules {
  transfer: Transfer;
  /** The listener of a server, while the server listens. */
  listenerOf(server: AnyServer): ListenHandle | undefined;
}

export interface Transferable extends Held {
  connection: Connection;
  client: RawConnection;
}

/** Those that can be moved in this very turn of the loop. */
export function* transferableNow(connections: Iterable<Connection>, rules: TransferRules): Iterable<Transferable> {
  for (const connection of movableNow(connections)) {
    const used = isUsed(connection);
    if (used && (rules.transfer === 'unused' || hasOwnState(connection))) continue;
    const listener = listenerOf(connection, rules);
    const client = rawOf(connection);
    if (listener !== undefined && client !== null) yield { connection, client, listener, used, head: undefined };
  }
}

export function listenerOf({ server }: Connection, rules: TransferRules): ListenHandle | undefined {
  return server === null ? undefined : rules.listenerOf(server);
}
