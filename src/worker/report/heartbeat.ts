// Reports once a second how the worker is, from the main loop, so that silence means a blocked loop. Runs in the worker; the primary collects
// it in src/host/connections/primary-data-plane.ts.
import type { EventLoopUtilization } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { BeatExtra, Heartbeat } from '../../protocol/messages.ts';
import { post } from '../channel.ts';
import * as clock from '../clock.ts';
import { allConnections } from '../connections/connections.ts';
import { attempt, failed, failures, type Guarded, guarded, lastOf, repeat } from '../guard.ts';
import { process } from '../own-process.ts';
import { countGarbage } from './garbage.ts';
import { LoopDelay } from './loop-delay.ts';
import { requestCounts, requestExtra } from './requests.ts';
import type { ScoreboardSeat } from './scoreboard-seat.ts';

/** A process that used less of a core in the last second, in its loop and in all its threads, with no request begun or ended, has nothing new to say. */
const QUIET_UTILIZATION = 0.02;
/** So often a quiet worker tells its figures all the same: memory moves without requests too. */
const FULL_EVERY_MS = 30_000;

/**
 * Heartbeats go to the scoreboard, where the primary looks once a second, or without a seat there by message. A figure that cannot be had – a process
 * whose table of descriptors is full reads no file in /proc – keeps its last value; a sign of life there is in any case. The returned
 * function sends one out of turn, by message: the last counts of a worker that is about to end. `onTurn` is called after each.
 */
export function startHeartbeat(
  everyMs: number,
  seat: ScoreboardSeat | null,
  transfers: () => NonNullable<BeatExtra['transfers']>,
  onTurn: Guarded,
): Guarded {
  const garbage = countGarbage();
  const heapLimitBytes = attempt('v8.getHeapStatistics()', () => getHeapStatistics().heap_size_limit, 0);
  const loopUse = lastOf('performance.eventLoopUtilization()', () => clock.loopUse(), noUse);
  const delay = new LoopDelay(everyMs);
  let before = { at: clock.now(), loop: loopUse(), cpu: cpuUsage() };
  let told: Heartbeat | null = null;
  let toldAt = Number.NEGATIVE_INFINITY;
  /** What the time since the last look was used for. */
  const look = (): Use => {
    const now = { at: clock.now(), loop: loopUse(), cpu: cpuUsage() };
    const elapsedMs = now.at - before.at;
    const usedMs = (now.cpu.user + now.cpu.system - before.cpu.user - before.cpu.system) / 1000;
    const use = {
      elapsedMs,
      utilization: busyShare(before.loop, now.loop),
      cpu: elapsedMs > 0 ? Math.max(0, usedMs / elapsedMs) : 0,
    };
    before = now;
    return use;
  };
  const full = (use: Use): boolean => {
    const extra = { transfers: transfers(), gc: garbage(), heapLimitBytes };
    const last = told?.eventLoopDelayP99Ms ?? 0;
    const delayP99Ms = attempt('the delay of the event loop', () => delay.takeP99Ms(use.elapsedMs), last);
    told = measure(use, before.cpu, delayP99Ms, extra);
    toldAt = before.at;
    return seat?.writeBeat(told) ?? false;
  };
  const byMessage = (): void => {
    if (told !== null) post({ cmd: 'NODE_TUTTI_HEARTBEAT', beat: told });
  };
  const sayAlive = (): void => {
    if (!seat?.writeAlive()) post({ cmd: 'NODE_TUTTI_ALIVE' });
  };
  const beat = (): void => {
    const use = look();
    const quiet = told !== null && isQuiet(told, use);
    if (quiet) delay.rest();
    if (quiet && before.at - toldAt < FULL_EVERY_MS) {
      sayAlive();
      return;
    }
    if (!full(use)) byMessage();
    if (!quiet) delay.watch(use.utilization);
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
    full(look());
    byMessage();
  });
}

/** Of the time between two looks; `cpu`: of one core, by all threads. */
interface Use {
  elapsedMs: number;
  utilization: number;
  cpu: number;
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

function isQuiet(told: Heartbeat, { utilization, cpu }: Use): boolean {
  const { total, active } = requestCounts();
  return (
    utilization < QUIET_UTILIZATION &&
    cpu < QUIET_UTILIZATION &&
    total === told.requestsTotal &&
    active === told.activeRequests &&
    allConnections().size === told.connections
  );
}

function measure(
  use: Use,
  cpu: NodeJS.CpuUsage,
  delayP99Ms: number,
  more: Pick<BeatExtra, 'transfers' | 'gc' | 'heapLimitBytes'>,
): Heartbeat {
  const memory = memoryUsage();
  const { total, active } = requestCounts();
  return {
    rssBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    cpuUserMicros: cpu.user,
    cpuSystemMicros: cpu.system,
    cpuPercent: round(100 * use.cpu),
    eventLoopUtilization: round(use.utilization),
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
