// Which port a worker gets, where each slot has ports of its own (`ports`): what the application asks for, and its slot added. Pure; in the
// primary.

import type { ListenRequest } from '../../protocol/messages.ts';
import { MOST_WORKERS } from '../../protocol/workers.ts';

/** A request as it is bound. `slot`: that of the only workers that get this socket; absent if all do. */
export type PlacedRequest = ListenRequest & { slot?: number };

export const LAST_PORT = 65_535;

/**
 * Only TCP has a port per slot: a path, a descriptor that was handed down and a UDP port are shared by all workers. Slot 0 has what was asked
 * for, so that its socket is the same one as with another balance. On port 0 each slot has a port of its own that the system chooses; the
 * index tells them apart. The port may be beyond the last one, and then nobody can have it.
 */
export function atSlot(request: ListenRequest, slot: number | null): PlacedRequest {
  const { port, addressType, fd, index } = request;
  const isTcp = addressType === 4 || addressType === 6 || addressType === null;
  if (slot === null || port === null || port < 0 || fd !== null || !isTcp) return request;
  if (port === 0) return { ...request, slot, index: index + slot * MOST_WORKERS };
  return { ...request, slot, port: port + slot };
}
