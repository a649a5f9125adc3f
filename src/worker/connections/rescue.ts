// The last turn of a worker's loop: all connections leave that could go on elsewhere. Runs in the worker; the primary takes them in
// src/host/connections/connection-relay.ts.

import type { BootInfo, ToPrimary } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import { kindsInFlight, replayable } from '../replay.ts';
import type { Held } from './adoptions.ts';
import { allConnections } from './connections.ts';
import type { LastSends } from './last-sends.ts';
import { detach, rawOf } from './raw-connection.ts';
import { listenerOf, type Transferable, type TransferRules, transferableNow } from './transferable.ts';

export interface RescueOptions {
  rules: TransferRules;
  replay: BootInfo['replay'];
  /** On their way out. */
  unsent: Iterable<[RawConnection, Held]>;
  /** Taken over, but not given to a server yet. If the answer has left, the primary has none of them any more. */
  adopting: Iterable<[RawConnection, Held & { answer: ToPrimary }]>;
  /** The cell that a connection belongs to; null: any. */
  homeOf(client: RawConnection): number | null;
}

/** Messages that Node keeps back, and that the primary should still hear. */
export function sendKeptBack(last: LastSends): void {
  for (const { message, handle } of last.unsent) {
    const { cmd = '' } = message as Partial<ToPrimary>;
    // If the primary does not hear of a takeover, it gives the connection to another worker.
    if (handle === undefined && cmd.startsWith('NODE_TUTTI_') && cmd !== 'NODE_TUTTI_ADOPTED')
      last.send(message as ToPrimary);
  }
}

export function rescue(last: LastSends, { rules, replay, unsent, adopting, homeOf }: RescueOptions): void {
  const kinds = kindsInFlight();
  if (kinds.length > 0) last.send({ cmd: 'NODE_TUTTI_DYING', kinds });
  const keptBack = new Set(last.unsent.flatMap(({ message, handle }) => [message, handle]));
  const leave = (client: RawConnection, { listener: { key }, used, head }: Held, to: number | null = null) =>
    last.send(
      { cmd: 'NODE_TUTTI_TRANSFER', key, to, used, held: null, dying: true, ...(head === undefined ? {} : { head }) },
      client,
    );
  for (const [client, held] of unsent) if (keptBack.has(client)) leave(client, held);
  for (const [client, held] of adopting) if (!keptBack.has(held.answer)) leave(client, held);
  // All are looked at before any of them is gone.
  const saved = [...transferableNow(allConnections(), rules), ...replayableNow(rules, replay)];
  for (const { connection, client, ...held } of saved) {
    const to = homeOf(client);
    detach(connection, client);
    if (!leave(client, held, to)) return;
  }
}

function* replayableNow(rules: TransferRules, replay: BootInfo['replay']): Iterable<Transferable> {
  if (rules.transfer === 'unused') return;
  for (const { connection, head } of replayable(replay)) {
    const listener = listenerOf(connection, rules);
    const client = rawOf(connection);
    if (listener !== undefined && client !== null) yield { connection, client, listener, used: true, head };
  }
}
