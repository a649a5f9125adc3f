// What net.Server holds as its `_handle` in a worker. It looks like a raw listening handle and delegates to the worker's copy of the
// primary's socket. That copy may be closed (drain), not there yet (gate) or not exist (the primary accepts) while the server goes on
// "listening". Node's own cluster uses such an object for its round-robin. Runs in the worker.

import { whenQueueTaken } from '../../protocol/accept-queue.ts';
import type { SocketName } from '../../protocol/messages.ts';
import type { RawConnection, RawListenHandle } from '../../protocol/raw-handle.ts';
import { openDoor } from '../drain/private-door.ts';
import { cancel, type Guarded, guarded, keepAlive, nextTick, soon } from '../guard.ts';

const lookSoon = (look: () => void): void => soon(guarded('taking what the kernel has queued', look));

export interface ListenHandleOptions {
  key: string;
  real: RawListenHandle | null;
  /** What listen() returns. Node then builds the same error as without tutti. */
  errno: number;
  name: SocketName | null;
  /** The primary accepts: there is nothing to listen on here. */
  dispatched: boolean;
  /** False: prove that listening works, then accept nothing until `resume`. */
  isOpen: () => boolean;
  onAccept: (listener: ListenHandle, client: RawConnection) => void;
  onListening: Guarded<[listener: ListenHandle]>;
  onClose: Guarded<[listener: ListenHandle]>;
}

export class ListenHandle {
  readonly key: string;
  readonly dispatched: boolean;
  /** Set by net.Server; called with this object as `this`, because Node finds the server through a symbol on it. */
  onconnection?: (status: number, client: RawConnection | undefined) => void;
  /** Absent for unix sockets, as on Node's own handle: server.address() then returns the path. */
  getsockname?: (out: SocketName) => number;
  listening = false;
  closed = false;
  /** No sibling accepts from this socket: connections cannot move, and this worker accepts until the port is closed. */
  alone = false;
  #closing = false;
  #real: RawListenHandle | null;
  #backlog = 511;
  #wantsRef = true;
  #keepAlive: NodeJS.Timeout | null = null;
  readonly #options: ListenHandleOptions;

  constructor(options: ListenHandleOptions) {
    this.#options = options;
    this.key = options.key;
    this.dispatched = options.dispatched;
    this.#real = options.real;
    const { name } = options;
    if (name !== null) {
      this.getsockname = (out) => {
        Object.assign(out, name);
        return 0;
      };
    }
    this.#updateRef();
  }

  /** The number of the worker's own descriptor, -1 without one. */
  get fd(): number {
    return this.#real?.fd ?? -1;
  }

  /** The worker's own copy of the socket; null while it has none. */
  get real(): RawListenHandle | null {
    return this.#real;
  }

  listen(backlog: number): number {
    if (this.#options.errno !== 0) return this.#options.errno;
    this.#backlog = backlog;
    if (this.#real !== null) {
      const errno = this.#start(this.#real);
      if (errno !== 0) return errno;
      // Closed in the same turn of the loop, before anything could be accepted.
      if (!this.#options.isOpen()) this.stopAccepting();
    }
    this.listening = true;
    this.#options.onListening(this);
    return 0;
  }

  /** The server listens, but there is no copy of the socket to accept from. */
  get needsCopy(): boolean {
    return this.listening && !this.closed && !this.#closing && !this.dispatched && this.#real === null;
  }

  /** Nobody else accepts and the port is open, or the kernel's queue is being emptied. */
  get isLast(): boolean {
    return this.alone && !this.closed && (this.#real !== null || (this.dispatched && !this.#closing));
  }

  /** The port closes for everybody but this process itself. With `take`, the kernel's queue is emptied first. */
  finishAccepting(take: boolean): void {
    this.alone = true;
    this.#closing = true;
    const { name } = this.#options;
    if (name !== null && this.listening && !this.closed) openDoor(name, (client) => this.serve(client));
    const real = this.#real;
    if (real === null || !take) this.stopAccepting();
    else
      whenQueueTaken(real, lookSoon, () => {
        if (this.#real === real) this.stopAccepting();
      });
  }

  /** Accept from now on, from this fresh copy. */
  resume(real: RawListenHandle): void {
    if (!this.needsCopy) {
      real.close();
      return;
    }
    this.#real = real;
    const errno = this.#start(real);
    if (errno !== 0) this.stopAccepting();
    this.#updateRef();
  }

  stopAccepting(): void {
    const real = this.#real;
    if (real === null) return;
    this.#real = null;
    real.close();
    this.#updateRef();
  }

  /** Hands the connection to the server as if it had been accepted just now. */
  serve(client: RawConnection): void {
    if (this.onconnection === undefined) client.close();
    else Reflect.apply(this.onconnection, this, [0, client]);
  }

  close(callback?: () => void): void {
    if (this.closed) return;
    this.closed = true;
    this.stopAccepting();
    this.#updateRef();
    this.#options.onClose(this);
    if (callback !== undefined) nextTick(guarded('closing a listener', () => callback));
  }

  ref(): void {
    this.#wantsRef = true;
    this.#updateRef();
  }

  unref(): void {
    this.#wantsRef = false;
    this.#updateRef();
  }

  hasRef(): boolean {
    return this.#wantsRef && !this.closed;
  }

  /** Permissions are set where the socket is bound. */
  fchmod(): number {
    return 0;
  }

  #start(real: RawListenHandle): number {
    real.onconnection = (status, client) => {
      if (status !== 0 || client === undefined) {
        if (this.onconnection !== undefined) Reflect.apply(this.onconnection, this, [status, client]);
      } else this.#options.onAccept(this, client);
    };
    return real.listen(this.#backlog);
  }

  /** A listening server keeps the process alive. Without a real handle, a timer does it. */
  #updateRef(): void {
    if (this.#wantsRef) this.#real?.ref?.();
    else this.#real?.unref?.();
    const needed = this.#wantsRef && !this.closed && this.#real === null;
    if (needed) this.#keepAlive ??= keepAlive();
    else if (this.#keepAlive !== null) {
      cancel(this.#keepAlive);
      this.#keepAlive = null;
    }
  }
}
