// Once a second: how the worker is. From the main loop, so that its silence means a blocked loop. Runs in the worker.
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Beat, BeatExtra } from '../protocol/messages.ts';
import { post } from './channel.ts';
import { allConnections } from './connections.ts';
import { countGarbage } from './garbage.ts';
import { requestCounts, requestExtra } from './requests.ts';

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>;

/** How often the delay of the loop is sampled, by a timer in C++, while there is something to do. */
const RESOLUTION_MS = 20;
/** A loop that was busy for less of the last second, with no request begun or ended, has nothing new to say. */
const QUIET_UTILIZATION = 0.02;
/** So often a quiet worker sends its figures all the same: memory moves without requests too. */
const FULL_EVERY_MS = 15_000;

/** The returned function sends a heartbeat out of turn: the last counts of a worker that is about to end. */
export function startHeartbeat(everyMs: number, transfers: () => NonNullable<BeatExtra['transfers']>): () => void {
  const garbage = countGarbage();
  const heapLimitBytes = getHeapStatistics().heap_size_limit;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let before = performance.eventLoopUtilization();
  let told: Beat | null = null;
  let toldAt = Number.NEGATIVE_INFINITY;
  const full = (): void => {
    const now = performance.eventLoopUtilization();
    const extra = { transfers: transfers(), gc: garbage(), heapLimitBytes };
    told = measure(before, now, delay, extra);
    toldAt = performance.now();
    post({ cmd: 'NODE_TUTTI_HEARTBEAT', beat: told });
    before = now;
    delay.reset();
  };
  const beat = (): void => {
    if (told === null || !isQuiet(told, before) || performance.now() - toldAt >= FULL_EVERY_MS) {
      // The sampling wakes the process fifty times a second, so it stops as soon as nothing happens.
      delay.enable();
      full();
      return;
    }
    delay.disable();
    before = performance.eventLoopUtilization();
    post({ cmd: 'NODE_TUTTI_ALIVE' });
  };
  delay.enable();
  setInterval(beat, everyMs).unref();
  return full;
}

function isQuiet(told: Beat, before: EventLoopUtilization): boolean {
  const { total, active } = requestCounts();
  return (
    total === told.requestsTotal &&
    active === told.activeRequests &&
    allConnections().size === told.connections &&
    performance.eventLoopUtilization(before).utilization < QUIET_UTILIZATION
  );
}

function measure(
  before: EventLoopUtilization,
  now: EventLoopUtilization,
  delay: IntervalHistogram,
  more: Pick<BeatExtra, 'transfers' | 'gc' | 'heapLimitBytes'>,
): Beat {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const { total, active } = requestCounts();
  return {
    rssBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    cpuUserMicros: cpu.user,
    cpuSystemMicros: cpu.system,
    eventLoopUtilization: round(performance.eventLoopUtilization(now, before).utilization),
    eventLoopDelayP99Ms: round(lateness(delay)),
    connections: allConnections().size,
    activeRequests: active,
    requestsTotal: total,
    inspected: isInspected(),
    handlesUsr1: process.listenerCount('SIGUSR1') > 0,
    extra: {
      ...requestExtra(),
      ...more,
      heapTotalBytes: memory.heapTotal,
      externalBytes: memory.external,
    },
  };
}

/** The histogram holds whole intervals, so what the timer was set to is taken off. */
function lateness(delay: IntervalHistogram): number {
  return delay.count === 0 ? 0 : Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS);
}

function isInspected(): boolean {
  // A debugger can be attached only if the inspector listens; the module is already part of the binary and costs nothing to ask.
  try {
    const inspector = process.getBuiltinModule('node:inspector');
    return inspector?.url() !== undefined;
  } catch {
    return false;
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
