// Which balancer a worker has. Runs in the worker.

import type { Balance } from '../../protocol/balance.ts';
import type { ScoreboardSeat } from '../report/scoreboard-seat.ts';
import { Balancer } from './balancer.ts';
import { IpHash } from './ip-hash.ts';
import { LeastConnections } from './least-connections.ts';
import { SameSlot } from './same-slot.ts';

/** `count`: the connections that this worker holds; `leaving`: those that it has given away and nobody has yet; `tellClients`: see IpHash. */
export function balancerFor(
  balance: Balance,
  board: ScoreboardSeat,
  count: () => number,
  leaving: () => number,
  tellClients: (address: string | null) => void,
): Balancer {
  switch (balance) {
    case 'least-connections':
      return new LeastConnections(board, count, leaving);
    case 'ip-hash':
      return new IpHash(board, count, tellClients);
    case 'ports':
      return new SameSlot(board, count);
    case 'kernel':
    case 'round-robin':
      return new Balancer(board, count);
    default:
      return balance satisfies never;
  }
}
