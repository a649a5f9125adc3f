// A supervised app within the test's own process, for tests of what the library does.

import type { TestContext } from 'node:test';
import { type SuperviseOptions, type Supervision, supervise, type TimedEvent } from '../../dist/index.js';
import { within } from './eventually.ts';
import { fixture } from './sandbox.ts';
import './own-home.ts';

export interface Supervised {
  app: Supervision;
  events: TimedEvent[];
  port(): number;
  pids(): number[];
}

export { fixture } from './sandbox.ts';

/** Runs hello.cjs on two workers unless told otherwise, and stops it when the test ends, however it ends. */
export async function startSupervised(t: TestContext, options: Partial<SuperviseOptions> = {}): Promise<Supervised> {
  const app = supervise({
    ...{ entry: fixture('hello.cjs'), workers: 2, canaryTime: 0 },
    ...options,
    env: { PORT: '0', ...options.env },
  });
  t.after(async () => {
    void app.stop({ fast: true });
    await within('the app to stop', app.stopped);
  });
  const events: TimedEvent[] = [];
  app.on('event', (event) => events.push(event));
  await within('the app to be ready', app.ready, 60_000);
  return {
    app,
    events,
    port: () => app.snapshot().listeners[0]?.port ?? 0,
    pids: () => app.snapshot().workers.flatMap(({ pid }) => (pid === null ? [] : [pid])),
  };
}
