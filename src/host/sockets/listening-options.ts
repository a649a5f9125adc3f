// What the listening sockets need to know, and whom they tell (primary).

import type { Balance } from '../../protocol/balance.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import type { HeldBack } from '../held-back.ts';
import type { AcceptorChoiceOptions } from './acceptors.ts';
import type { InheritedSockets } from './inherited-sockets.ts';

export interface RefusedPort {
  slot: number;
  port: number;
  asked: number;
  /** As EADDRINUSE. */
  code: string;
}

export interface ListeningSocketsOptions extends AcceptorChoiceOptions {
  balance: Balance;
  /** Used before anything is bound on their addresses. */
  inherited?: InheritedSockets | null;
  /** Has whoever of an earlier supervisor of the app holds this port or path let it go. False: it is somebody else's. */
  claim?(place: number | string): Promise<boolean>;
  /** While it holds, the primary itself accepts nothing. */
  heldBack?: HeldBack;
  /** Only with `ports`: the worker of this slot cannot have the port that belongs to it. `asked`: the application's own. */
  onRefused?(refused: RefusedPort): void;
  /** Only with `round-robin`: a connection that the primary accepted from the socket `key`. */
  onConnection(key: string, client: RawConnection): void;
  /** Only with `round-robin`: nothing more comes from the socket `key`, and those who have it will be told so after this. */
  onClosing(key: string): void;
}
