// Tells when a handle of the system has closed, whoever closed it: an application that takes all listeners off its socket, or gives
// it to a child process, takes ours off too. Runs in the worker. Leans on `close` and `reset`, which are private to Node's net.

import type { Guarded } from '../guard.ts';

interface Prototype {
  close?: unknown;
  reset?: unknown;
}

type Close = (this: object, callback?: () => void) => unknown;

/** What belongs to open handles, until they close. */
export class HandleEnds<T> {
  readonly #open = new Map<object, T>();
  readonly #ended: Guarded<[owner: T]>;
  readonly #prototypes = new Map<object, boolean>();

  /** `ended` is called with what a handle was added with, right before whoever closed it learns that it has closed. */
  constructor(ended: Guarded<[owner: T]>) {
    this.#ended = ended;
  }

  /** False: this Node's handles cannot be watched. */
  add(handle: object, owner: T): boolean {
    const prototype = Object.getPrototypeOf(handle) as object;
    let isWatched = this.#prototypes.get(prototype);
    if (isWatched === undefined) {
      isWatched = this.#watch(prototype);
      this.#prototypes.set(prototype, isWatched);
    }
    if (isWatched) this.#open.set(handle, owner);
    return isWatched;
  }

  /** Its end is no concern of `owner` any more. */
  delete(handle: object, owner: T): void {
    if (this.#open.get(handle) === owner) this.#open.delete(handle);
  }

  /** On the prototype: for all handles of a class, which costs each of them one look-up at its end. */
  #watch(prototype: Prototype): boolean {
    if (typeof prototype.close !== 'function') return false;
    for (const name of ['close', 'reset'] as const) {
      const original = prototype[name] as Close | undefined;
      if (typeof original !== 'function') continue;
      const value = this.#wrap(original);
      Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: true });
    }
    return true;
  }

  #wrap(original: Close): Close {
    const open = this.#open;
    const ended = this.#ended;
    return function close(callback) {
      const owner = open.get(this);
      if (owner === undefined) return Reflect.apply(original, this, [callback]);
      open.delete(this);
      return Reflect.apply(original, this, [
        function (this: object) {
          ended(owner);
          if (typeof callback === 'function') Reflect.apply(callback, this, []);
        },
      ]);
    };
  }
}
