// Once a second: how the worker is. From the main loop, so that its silence means a blocked loop. Runs in the worker.
import type { EventLoopUtilization } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Beat, BeatExtra } from '../protocol/messages.ts';
import { post } from './channel.ts';
import * as clock from './clock.ts';
import { allConnections } from './connections.ts';
import { countGarbage } from './garbage.ts';
import { attempt, failed, failures, type Guarded, guarded, lastOf, repeat } from './guard.ts';
import { LoopDelay } from './loop-delay.ts';
import { process } from './own-process.ts';
import type { OwnRecord } from './own-record.ts';
import { requestCounts, requestExtra } from './requests.ts';

/** A loop that was busy for less of the last second, with no request begun or ended, has nothing new to say. */
const QUIET_UTILIZATION = 0.02;
/** So often a quiet worker tells its figures all the same: memory moves without requests too. */
const FULL_EVERY_MS = 30_000;

/**
 * Heartbeats go to `record`, where the primary looks once a second, or without one by message. A figure that cannot be had – a process
 * whose table of descriptors is full reads no file in /proc – keeps its last value; a sign of life there is in any case. The returned
 * function sends one out of turn, by message: the last counts of a worker that is about to end. `onTurn` is called after each.
 */
export function startHeartbeat(
  everyMs: number,
  record: OwnRecord | null,
  transfers: () => NonNullable<BeatExtra['transfers']>,
  onTurn: Guarded,
): Guarded {
  const garbage = countGarbage();
  const heapLimitBytes = attempt('v8.getHeapStatistics()', () => getHeapStatistics().heap_size_limit, 0);
  const loopUse = lastOf('performance.eventLoopUtilization()', () => clock.loopUse(), noUse);
  const delay = new LoopDelay();
  let before = loopUse();
  let told: Beat | null = null;
  let toldAt = Number.NEGATIVE_INFINITY;
  const full = (now: EventLoopUtilization, utilization: number): boolean => {
    const extra = { transfers: transfers(), gc: garbage(), heapLimitBytes };
    const delayP99Ms = attempt('the delay of the event loop', () => delay.takeP99Ms(), told?.eventLoopDelayP99Ms ?? 0);
    told = measure(utilization, delayP99Ms, extra);
    toldAt = now.active + now.idle;
    before = now;
    return record?.writeBeat(told) ?? false;
  };
  const byMessage = (): void => {
    if (told !== null) post({ cmd: 'NODE_TUTTI_HEARTBEAT', beat: told });
  };
  const sayAlive = (): void => {
    if (!record?.writeAlive()) post({ cmd: 'NODE_TUTTI_ALIVE' });
  };
  const beat = (): void => {
    // One look at the clock for everything: this is most of what an idle process does.
    const now = loopUse();
    const utilization = busyShare(before, now);
    const quiet = told !== null && isQuiet(told, utilization);
    if (quiet) delay.rest();
    if (quiet && now.active + now.idle - toldAt < FULL_EVERY_MS) {
      before = now;
      sayAlive();
      return;
    }
    if (!full(now, utilization)) byMessage();
    if (!quiet) delay.watch(utilization);
  };
  const regularly = guarded('the heartbeat', () => {
    try {
      beat();
    } catch (error) {
      failed('the heartbeat', error);
      sayAlive();
    }
    return onTurn;
  });
  delay.watch(1);
  repeat(everyMs, regularly).unref();
  return guarded('the last heartbeat', () => {
    const now = loopUse();
    full(now, busyShare(before, now));
    byMessage();
  });
}

/** Of the time between them; 0 of no time. */
function busyShare(before: EventLoopUtilization, now: EventLoopUtilization): number {
  const activeMs = now.active - before.active;
  return activeMs > 0 ? activeMs / (activeMs + now.idle - before.idle) : 0;
}

const noUse: EventLoopUtilization = { idle: 0, active: 0, utilization: 0 };
const noMemory = { rss: 0, heapUsed: 0, heapTotal: 0, external: 0 };
const memoryUsage = lastOf<typeof noMemory>('process.memoryUsage()', () => process.memoryUsage(), noMemory);
const cpuUsage = lastOf('process.cpuUsage()', () => process.cpuUsage(), { user: 0, system: 0 });

function isQuiet(told: Beat, utilization: number): boolean {
  const { total, active } = requestCounts();
  return (
    utilization < QUIET_UTILIZATION &&
    total === told.requestsTotal &&
    active === told.activeRequests &&
    allConnections().size === told.connections
  );
}

function measure(
  utilization: number,
  delayP99Ms: number,
  more: Pick<BeatExtra, 'transfers' | 'gc' | 'heapLimitBytes'>,
): Beat {
  const memory = memoryUsage();
  const cpu = cpuUsage();
  const { total, active } = requestCounts();
  return {
    rssBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    cpuUserMicros: cpu.user,
    cpuSystemMicros: cpu.system,
    eventLoopUtilization: round(utilization),
    eventLoopDelayP99Ms: round(delayP99Ms),
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
      failures: failures(),
    },
  };
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
