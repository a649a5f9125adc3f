// A supervisor that `tutti run` has started beside others, for a configuration file of several apps: it shares the container with them, and ends
// with the process that started it.

import type { Surroundings } from '../../config/app.ts';

/** How many apps there are. Taken out of the environment, so that neither workers nor what they start see it. */
export const BESIDE_VARIABLE = 'TUTTI_BESIDE';

export interface Beside {
  apps: number;
  /** What it may use is its share of the memory; CPUs are for whoever needs them. */
  share(around: Surroundings): Surroundings;
  /** Calls `stop` when the process that started this one is gone. */
  watch(stop: () => void): void;
}

/** Null where this is the only app. */
export function takeBeside(env: Record<string, string | undefined>): Beside | null {
  const apps = Number(env[BESIDE_VARIABLE]);
  delete env[BESIDE_VARIABLE];
  if (!Number.isInteger(apps) || apps < 1) return null;
  return {
    apps,
    share: (around) => ({
      ...around,
      limits: () => {
        const limits = around.limits();
        return { ...limits, memoryBytes: limits.memoryBytes === null ? null : limits.memoryBytes / apps };
      },
    }),
    watch: (stop) => {
      if (process.send === undefined) return;
      process.once('disconnect', stop);
      // Whatever else keeps this process alive decides how long it lives.
      process.channel?.unref();
    },
  };
}
