// What a new worker is told at its birth: of its generation, and of this one process. Runs in the primary; it is read in worker/start.ts.

import { type BootInfo, PROTOCOL } from '../../protocol/messages.ts';
import { HEARTBEAT_MS } from '../../protocol/silence.ts';
import type { PinnedGeneration } from '../code/generations.ts';

type OfThisProcess = Pick<
  BootInfo,
  'worker' | 'slot' | 'gated' | 'logged' | 'metricsAsked' | 'scoreboard' | 'selfTest' | 'orphan'
>;

export function bootInfo(generation: PinnedGeneration, ofThisProcess: OfThisProcess): BootInfo {
  const { account } = generation;
  return {
    ...ofThisProcess,
    protocol: PROTOCOL,
    heartbeatMs: HEARTBEAT_MS,
    generation: generation.number,
    balance: generation.balance,
    transfer: generation.transfer,
    replay: generation.replay,
    keepAliveMs: generation.keepAliveMs,
    ready: generation.ready,
    execArgv: [...generation.nodeArgs],
    account: account === null ? null : { uid: account.uid, gid: account.gid },
    compileCache: generation.compileCache,
    end: generation.end,
    instanceVar: generation.instanceVar,
    increment: incrementOf(generation),
  };
}

/** What the slot adds to the environment, if the variable that is to grow holds a whole number. */
function incrementOf({ incrementVar, env }: PinnedGeneration): BootInfo['increment'] {
  const first = Number(incrementVar === null ? Number.NaN : (env[incrementVar] ?? Number.NaN));
  return incrementVar !== null && Number.isInteger(first) ? { name: incrementVar, first } : null;
}
