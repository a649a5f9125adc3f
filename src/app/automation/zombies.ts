// What the app's own children leave behind where tutti is process 1 of a container: grandchildren whose parent has ended become its children,
// and stay as zombies, because Node.js can wait only for what it has started. They cost an entry in the table of processes each. It is said once,
// when there are some. Part of the composition; runs in the primary.

import { zombiesOf } from '../../host/process/process-identity.ts';

/** Nothing waits for the answer, and a look reads the whole of /proc. Chosen, not measured. */
const LOOK_MS = 4000;

export class Zombies {
  readonly #warn: (message: string) => void;
  readonly #find: () => number[];
  #before = new Set<number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(warn: (message: string) => void, find: () => number[] = () => zombiesOf(process.pid)) {
    this.#warn = warn;
    this.#find = find;
  }

  /** Does nothing where somebody else is process 1. */
  start(): void {
    if (process.pid !== 1 || process.platform !== 'linux') return;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Called by its own timer. One that has just ended is about to be waited for. */
  look(): void {
    const now = this.#find();
    const stay = now.filter((pid) => this.#before.has(pid));
    this.#before = new Set(now);
    if (stay.length === 0) return;
    this.close();
    const whose =
      stay.length === 1
        ? 'a process that a child of the app has'
        : `${stay.length} processes that children of the app have`;
    this.#warn(
      `${whose} left behind ${stay.length === 1 ? 'has' : 'have'} ended, and nobody waits for ${stay.length === 1 ? 'it' : 'them'}: Node.js cannot as process 1, so such zombies add up. Start the container with an init: docker run --init, init: true in Compose, initProcessEnabled on ECS, shareProcessNamespace in Kubernetes`,
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
