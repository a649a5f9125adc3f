// `ports`: each slot has ports of its own, and whoever connects there has chosen its worker. So a connection only goes to another worker of the
// same slot: in a drain, to the one that takes its place. Runs in the worker.

import type { Sibling } from '../report/scoreboard-seat.ts';
import { Balancer } from './balancer.ts';

export class SameSlot extends Balancer {
  /** Kept when this worker no longer accepts. */
  #place: number | null = null;

  override setSlot(slot: number | null): void {
    this.#place = slot ?? this.#place;
    super.setSlot(slot);
  }

  protected override siblings(now: number): readonly Sibling[] {
    return super.siblings(now).filter(({ slot }) => slot === this.#place);
  }
}
