// Imported for its effect by tests that use fast-check: each run of a file has a fresh seed, which stands in the output if the file fails.
// TUTTI_TEST_SEED=<number> runs it again with that one.

import { randomInt } from 'node:crypto';
import fc from 'fast-check';

const asked = process.env.TUTTI_TEST_SEED;
if (asked !== undefined && !/^\d{1,10}$/.test(asked)) {
  throw new Error(`TUTTI_TEST_SEED must be a whole number as a failed test printed it, not ${asked}.`);
}

export const seed = asked === undefined ? randomInt(2 ** 31) : Number(asked);

fc.configureGlobal({ seed });
process.on('exit', (code) => {
  if (code !== 0) console.error(`To run these random tests again as they were: TUTTI_TEST_SEED=${seed}`);
});
