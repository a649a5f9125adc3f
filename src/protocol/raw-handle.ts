// The parts of Node's raw TCP and pipe handles that tutti uses. They are not public, but unchanged from Node 20 to 26.

import type { SocketName } from './messages.ts';

export interface RawHandle {
  /** The callback runs when the descriptor is closed. */
  close(callback?: () => void): void;
  ref?(): void;
  unref?(): void;
  hasRef?(): boolean;
  readonly fd?: number;
}

export interface RawListenHandle extends RawHandle {
  onconnection?: (status: number, client: RawConnection | undefined) => void;
  /** Returns 0 or a negative errno. */
  listen(backlog: number): number;
  /** TCP only. Also reports a bind error that libuv has deferred. */
  getsockname?(out: SocketName): number;
  getpeername?(out: SocketName): number;
  /** Pipes only. */
  fchmod?(mode: number): number;
}

export interface RawConnection extends RawHandle {
  getpeername?(out: SocketName): number;
  readStart?(): number;
  readStop?(): number;
  onread?: unknown;
  /** Set by node:net while it reads. */
  reading?: boolean;
  /** Set by node:http when a parser takes the bytes without the socket. */
  _consumed?: boolean;
}
