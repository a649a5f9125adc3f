// When the watch may reload: a change while workers are being replaced waits until the new ones serve, and many of them are one. Or what
// a program writes when it starts would overtake each reload before it is through, and no change of the code would ever become live. Pure.

import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';

export class WatchReloads {
  readonly #reload: () => Promise<unknown>;
  #asked = 0;
  #isUnderWay = false;
  #waits = false;

  /** `reload` is kept when the command is answered, also when it was refused. */
  constructor(reload: () => Promise<unknown>) {
    this.#reload = reload;
  }

  changed(): void {
    if (this.#isUnderWay) {
      this.#waits = true;
      return;
    }
    this.#isUnderWay = true;
    this.#asked += 1;
    const mine = this.#asked;
    void this.#reload().then(() => {
      if (mine === this.#asked) this.#through();
    });
  }

  event(event: SupervisorEvent): void {
    if (event.type === 'reload-started') this.#isUnderWay = true;
    // What is left then is the drain of old workers, which may take as long as somebody's download.
    else if (event.type === 'reload-progress' && event.done >= event.total) this.#through();
    else if (event.type === 'reload-done') this.#through();
    // Of one that was superseded the next has begun.
    else if (event.type === 'reload-failed' && !event.superseded) this.#through();
  }

  #through(): void {
    this.#isUnderWay = false;
    if (!this.#waits) return;
    this.#waits = false;
    this.changed();
  }
}
