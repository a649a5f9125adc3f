// Recycles the workers on a schedule. Part of the composition; runs in the primary. Loaded only by an app that has one, when its
// workers have been started.

import { Cron } from 'croner';

export interface Schedule {
  stop: () => void;
}

/** `expression` is valid: the configuration was checked. */
export function schedule(expression: string, due: () => void): Schedule {
  // Whatever else keeps the primary alive decides how long it lives.
  const job = new Cron(expression, { unref: true }, due);
  return { stop: () => job.stop() };
}
