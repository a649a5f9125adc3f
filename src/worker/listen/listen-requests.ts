// Asks the primary for sockets, and keeps what waits for its answers. Runs in the worker; the primary answers in
// src/host/sockets/listening-sockets.ts.

import type { DataToWorker, ListenRequest, ToPrimary } from '../../protocol/messages.ts';
import { cancel, keepAlive, type Outcome } from '../guard.ts';
import { AnyPort } from './any-port.ts';

export type ListenReply = Extract<DataToWorker, { cmd: 'NODE_TUTTI_LISTEN_REPLY' }>;
type Answered = (reply: ListenReply, handle: unknown) => Outcome;

export class ListenRequests {
  readonly #send: (message: ToPrimary) => void;
  readonly #waiting = new Map<number, Answered>();
  /** They need no timer: a listener that waits for its copy keeps the process alive by itself while it is open. */
  readonly #copies = new Map<number, Answered>();
  readonly #anyPort = new AnyPort();
  #seq = 0;
  #keptAlive: NodeJS.Timeout | null = null;

  constructor(send: (message: ToPrimary) => void) {
    this.#send = send;
  }

  /** For a listen() or bind() of the application. */
  listen(request: Omit<ListenRequest, 'index'>, answered: Answered): void {
    const seq = this.#next(this.#waiting, answered);
    this.#keepAlive();
    this.#send({ cmd: 'NODE_TUTTI_LISTEN', seq, ...request, index: this.#anyPort.index(request) });
  }

  /** Another copy of the socket `key`, for an existing listener. */
  copy(key: string, answered: Answered): void {
    this.#send({ cmd: 'NODE_TUTTI_COPY', seq: this.#next(this.#copies, answered), key });
  }

  /** Another copy of the socket `key`, to be given to a child process. This worker does not accept from it. */
  copyForOther(key: string, answered: Answered): void {
    this.#send({ cmd: 'NODE_TUTTI_COPY', seq: this.#next(this.#waiting, answered), key });
  }

  onReply(reply: ListenReply, handle: unknown): Outcome {
    const answered = this.#waiting.get(reply.seq) ?? this.#copies.get(reply.seq);
    this.#waiting.delete(reply.seq);
    this.#copies.delete(reply.seq);
    this.#keepAlive();
    return answered?.(reply, handle ?? null);
  }

  /** This worker has no socket left, so its next listen on port 0 is its first again. */
  forgetPorts(): void {
    this.#anyPort.forget();
  }

  #next(waiting: Map<number, Answered>, answered: Answered): number {
    this.#seq += 1;
    waiting.set(this.#seq, answered);
    return this.#seq;
  }

  /** Under plain node a pending listen() keeps the process alive; the IPC channel does not. */
  #keepAlive(): void {
    if (this.#waiting.size > 0) this.#keptAlive ??= keepAlive();
    else if (this.#keptAlive !== null) {
      cancel(this.#keptAlive);
      this.#keptAlive = null;
    }
  }
}
