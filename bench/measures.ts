// What is measured, on which contestants, and with how many workers. Each session starts the contestant anew.

import { delayedByBlockedWorker, pacedConnections, spread } from './client.ts';
import { crashEverySecond } from './crashes.ts';
import { load } from './load.ts';
import { cpuSeconds } from './process-tree.ts';
import type { Running, Target } from './targets.ts';

export interface Scale {
  rounds: number;
  seconds: number;
  quick: boolean;
}

/** One number of one contestant in one round, or null where it could not be taken. */
export type Sample = Record<string, number | null>;

export interface Session {
  workers: number;
  measure(running: Running, scale: Scale): Promise<Sample>;
}

async function cpuPerRequest(
  running: Running,
  seconds: number,
  keepAlive: boolean,
  connections: number,
): Promise<number> {
  const before = cpuSeconds(running.pid);
  const { requests, errors } = await load(running.port, { connections, seconds, keepAlive });
  if (errors > requests / 1000) throw new Error(`${errors} of ${requests} requests failed`);
  return ((cpuSeconds(running.pid) - before) / requests) * 1e6;
}

/** Microseconds of CPU of the whole tree. */
export const cost: Session = {
  workers: 2,
  async measure(running, { seconds, quick }) {
    // Each process compiles its own code, on the share of the load that it gets.
    await load(running.port, { connections: 64, seconds: quick ? 1 : 3, keepAlive: true });
    return {
      connectionCpu: await cpuPerRequest(running, seconds, false, 32),
      requestCpu: await cpuPerRequest(running, seconds, true, 64),
      readyMs: running.readyMs,
    };
  },
};

export const evenness: Session = {
  workers: 4,
  async measure(running, { seconds }) {
    // Each from rest: what an earlier measure opened and closed a moment ago is not this one's subject.
    await settle();
    const burst64 = await spread(running.port, 64, 4, 'burst');
    await settle();
    const oneByOne64 = await spread(running.port, 64, 4, 'one by one');
    return {
      burst64,
      oneByOne64,
      p99Ms: (await load(running.port, { connections: 40, seconds, keepAlive: true, path: '/work' })).p99Ms,
      delayed: await delayedByBlockedWorker(running.port),
    };
  },
};

export const burst400: Session = {
  workers: 8,
  async measure(running) {
    await settle();
    return { burst400: await spread(running.port, 400, 8, 'burst') };
  },
};

/** CPU per connection when the workers are mostly idle: every idle worker wakes for every connection of a shared socket. */
export function paced(workers: number): Session {
  return {
    workers,
    async measure(running, { seconds, quick }) {
      // Until the code is compiled in all who serve, and it is settled who does: what is asked for is how it goes on.
      await pacedConnections(running.port, 1000, quick ? 5 : 8 + workers / 2);
      const before = cpuSeconds(running.pid);
      const answered = await pacedConnections(running.port, 1000, seconds);
      return { [`paced${workers}`]: ((cpuSeconds(running.pid) - before) / answered) * 1e6 };
    },
  };
}

export const crash: Session = {
  workers: 2,
  async measure(running, { seconds, quick }) {
    const took = quick ? 3 : Math.max(10, seconds);
    const { served, reset, lost } = await crashEverySecond(running.port, took);
    return { crashServed: served / took, crashReset: reset, crashLost: lost };
  },
};

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1000));
}

export async function take(target: Target, session: Session, scale: Scale): Promise<Sample> {
  const running = await target.start(session.workers);
  try {
    return await session.measure(running, scale);
  } finally {
    await running.stop();
  }
}
