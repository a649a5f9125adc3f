// What a supervisor must not do yet, because another one still serves (primary): it is done, in order, when that is over.

export class HeldBack {
  #held: (() => unknown)[] | null;

  constructor(isHeld: boolean) {
    this.#held = isHeld ? [] : null;
  }

  get isHeld(): boolean {
    return this.#held !== null;
  }

  /** Now, if nothing is held back; else the answer is `meanwhile`. */
  act<T>(act: () => T, meanwhile: T): T {
    if (this.#held === null) return act();
    this.#held.push(act);
    return meanwhile;
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const act of held) act();
  }
}
