// The ports that an app takes, as containers and proxies have to know them. Pure.

import type { Config } from '../config/options.ts';

export const LAST_PORT = 65_535;

/** How many follow one another from `first`: one for each slot that there may be (balance: ports), as far as there are any. */
export function portCount({ balance, workers }: Config, first: number): number {
  return balance === 'ports' ? Math.min(workers.max, LAST_PORT - first + 1) : 1;
}
