// Pins what a new generation runs: what is on disk now, or the same as an earlier one. Runs in the primary.

import { messageOf } from '../../errors.ts';
import type { Action } from '../../supervisor/vocabulary/actions.ts';
import type { PolicyChange, SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';
import type { Generations, Program } from './generations.ts';

interface Sources {
  generations: Generations;
  /** First of all: what was overwritten under the generations that live is known before there is a new one. */
  verifyFiles(): Promise<void>;
  reread(): Promise<{ program: Program; policy: PolicyChange }>;
}

/** Never rejects: the answer is the input to the core, which says it when there is nothing to be pinned. */
export async function pinGeneration(
  generation: number,
  from: Extract<Action, { type: 'pin' }>['from'],
  { generations, reread, verifyFiles }: Sources,
): Promise<SupervisorInput> {
  try {
    await verifyFiles();
    if (from === 'disk') {
      const { program, policy } = await reread();
      return pinned(generation, generations.pin(generation, program).entry, { policy });
    }
    if (await generations.changedInPlace(from.generation)) {
      throw new Error(`the files of generation ${from.generation} were overwritten on disk since it was started`);
    }
    const copy = generations.copy(generation, from.generation);
    if (copy === null) throw new Error(`generation ${from.generation} is not kept any more`);
    return pinned(generation, copy.entry, {});
  } catch (error) {
    const reason = messageOf(error);
    return { type: 'generation-refused', generation, reason };
  }
}

/** Of which earlier generation it is true that its files have changed, the core has heard before. */
function pinned(generation: number, entry: string, policy: { policy?: PolicyChange }): SupervisorInput {
  return { type: 'generation-pinned', generation, entry, changedInPlace: false, ...policy };
}
