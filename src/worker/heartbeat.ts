// Once a second: how the worker is. From the main loop, so that its silence means a blocked loop. Runs in the worker.
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Beat, BeatExtra } from '../protocol/messages.ts';
import { post } from './channel.ts';
import { allConnections } from './connections.ts';
import { countGarbage } from './garbage.ts';
import { requestCounts, requestExtra } from './requests.ts';

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>;

/**
 * How often the delay of the loop is sampled. Node does that in C++; every 20 ms costs 0.1 % of a core or less, while the lateness
 * of the heartbeat itself would be one sample a second, and no 99th percentile.
 */
const RESOLUTION_MS = 20;

/** The returned function sends a heartbeat out of turn: the last counts of a worker that is about to end. */
export function startHeartbeat(everyMs: number, transfers: () => NonNullable<BeatExtra['transfers']>): () => void {
  const garbage = countGarbage();
  const heapLimitBytes = getHeapStatistics().heap_size_limit;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let before = performance.eventLoopUtilization();
  const beat = (): void => {
    const now = performance.eventLoopUtilization();
    const extra = { transfers: transfers(), gc: garbage(), heapLimitBytes };
    post({ cmd: 'NODE_TUTTI_HEARTBEAT', beat: measure(before, now, delay, extra) });
    before = now;
    delay.reset();
  };
  setInterval(beat, everyMs).unref();
  return beat;
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
