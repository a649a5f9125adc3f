// Whether a cron expression means a time that comes. The library that reads it is loaded only when there is one to read.

import { createRequire } from 'node:module';

export function isCron(expression: string): boolean {
  const { Cron } = createRequire(import.meta.url)('croner') as typeof import('croner');
  try {
    return new Cron(expression, { paused: true }).nextRun() !== null;
  } catch {
    // It says why in words of its own; ours quote the rule.
    return false;
  }
}
