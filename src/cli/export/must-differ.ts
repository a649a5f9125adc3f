// Names in the files of engines and proxies have fewer letters than those of tutti: two apps may come to the same one.

import { TuttiError } from '../../errors.ts';

/** Throws a TuttiError where two of them would stand for one another. */
export function mustDiffer(apps: readonly { app: string; label: string }[]): void {
  const known = new Map<string, string>();
  for (const { app, label } of apps) {
    const key = label.toLowerCase();
    const other = known.get(key);
    if (other !== undefined) {
      throw new TuttiError('ERR_USAGE', {
        problem: `"${other}" and "${app}" would both be called ${label} there`,
        hint: 'Give one of them another name.',
      });
    }
    known.set(key, app);
  }
}
