// Tells when a handle has closed, whoever closed it. Listeners are not enough: an application that removes all listeners of its socket, or
// gives it to a child process, removes ours too. Uses `close` and `reset`, which are private to Node's net. Runs in the worker.

import type { Guarded } from '../guard.ts';

interface Prototype {
  close?: unknown;
  reset?: unknown;
}

type Close = (this: object, callback?: () => void) => unknown;

/** The owners of open handles, until these close. */
export class HandleEnds<T> {
  readonly #open = new Map<object, T>();
  readonly #ended: Guarded<[owner: T]>;
  readonly #prototypes = new Map<object, boolean>();

  /** `ended` is called with the owner of a handle, just before the code that closed the handle learns that it has closed. */
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

  /** `owner` no longer wants to know of its end. */
  delete(handle: object, owner: T): void {
    if (this.#open.get(handle) === owner) this.#open.delete(handle);
  }

  /** On the prototype, for all handles of a class. It costs each of them one look-up when it closes. */
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
