// When a request of the admin API is served: never more than a third of the loop's time goes to them while others wait, because the same loop
// forks, supervises and, with some ways of balancing, accepts for the app. Runs in the primary.

/** How many times as long as a request took the next one waits. */
const REST = 2;
/** On a busy machine what took long may have been no work of ours, and probes wait. */
const LONGEST_REST_MS = 200;

export class Turns {
  /** Probes, and everything else: they take turns, so that neither can shut the other out. */
  readonly #queues: readonly (() => void)[][] = [[], []];
  #last = 1;
  #isBusy = false;

  /** Calls `serve` soon. What counts is the time that it takes, and the promises that are kept at once. */
  take(isProbe: boolean, serve: () => void): void {
    this.#queues[isProbe ? 0 : 1]?.push(serve);
    if (!this.#isBusy) this.#go();
  }

  #go(): void {
    const other = 1 - this.#last;
    const queue = [other, this.#last].find((index) => (this.#queues[index]?.length ?? 0) > 0);
    const serve = this.#queues[queue ?? 0]?.shift();
    this.#isBusy = serve !== undefined;
    if (queue === undefined || serve === undefined) return;
    this.#last = queue;
    let began = 0;
    setImmediate(() => {
      began = performance.now();
      serve();
    });
    // The next thing that the loop does.
    setImmediate(() => {
      const restMs = Math.min(LONGEST_REST_MS, REST * (performance.now() - began));
      if (restMs < 1) this.#go();
      else setTimeout(() => this.#go(), restMs);
    });
  }
}
