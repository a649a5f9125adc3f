// What happened, in words: one sentence per event of the supervisor.

import type { SupervisorEvent } from '../../../supervisor/vocabulary/events.ts';
import type { Listener } from '../../../supervisor/vocabulary/listener.ts';
import { formatDuration } from '../format.ts';

export type Tone = 'plain' | 'good' | 'warn' | 'bad';

export interface Sentence {
  tone: Tone;
  text: string;
  detail?: string;
  lines?: readonly string[];
}

export function describeEvent(event: SupervisorEvent): Sentence {
  switch (event.type) {
    case 'state':
      return {
        tone: event.state === 'running' ? 'good' : 'plain',
        text: `The supervisor is ${event.state}`,
        ...(event.reason && { detail: event.reason }),
      };
    case 'worker-online':
      return { tone: 'plain', text: `${who(event)} started` };
    case 'worker-ready':
      return { tone: 'good', text: `${who(event)} is ready after ${formatDuration(event.bootMs)}` };
    case 'worker-spare':
      return { tone: 'plain', text: `A spare has booted after ${formatDuration(event.bootMs)}` };
    case 'worker-suspect':
      return { tone: 'warn', text: `${who(event)} has given no sign of life for ${formatDuration(event.silentMs)}` };
    case 'worker-recovered':
      return { tone: 'good', text: `${who(event)} is back after ${formatDuration(event.silentMs)} of silence` };
    case 'worker-faulty':
      return { tone: 'bad', text: `${who(event)} sent what tutti cannot use; it is replaced`, detail: event.detail };
    case 'worker-draining':
      return { tone: 'plain', text: `${who(event)} drains`, detail: event.reason };
    case 'worker-drained':
      return event.left.length === 0 || event.lasting
        ? { tone: 'plain', text: `${who(event)} drained in ${formatDuration(event.drainMs)}` }
        : {
            tone: 'warn',
            text: `${who(event)} had something open after ${formatDuration(event.drainMs)} of drain`,
            lines: event.left,
          };
    case 'worker-exit':
      return {
        tone: event.reason === 'planned' ? 'plain' : 'bad',
        text: event.reason === 'planned' ? `${who(event)} ended` : `${who(event)} ${exitWords[event.reason]}`,
        detail: event.detail,
        ...(event.reason !== 'planned' && { lines: event.lastLines }),
      };
    case 'requests-replayed':
      return {
        tone: 'plain',
        text: `${who(event)} dies, and passes on ${event.count === 1 ? '1 request' : `${event.count} requests`} that it had not begun to answer`,
      };
    case 'worker-restart':
      return {
        tone: 'warn',
        text:
          event.delayMs === 0
            ? `Slot ${event.slot} starts again at once`
            : `Slot ${event.slot} starts again in ${formatDuration(event.delayMs)}`,
        ...(event.mixed && { detail: 'The files changed on disk: this worker may run a mix of old and new code.' }),
      };
    case 'slot-broken':
      return { tone: 'bad', text: `Slot ${event.slot} failed ${event.failures} times in a row`, detail: event.detail };
    case 'circuit':
      return event.state === 'open'
        ? { tone: 'bad', text: `Circuit open: ${event.earlyDeaths} early deaths in ${formatDuration(event.windowMs)}` }
        : { tone: 'good', text: 'Circuit closed: workers stay alive again' };
    case 'listening':
      return {
        tone: 'plain',
        text: `Listening on ${event.listeners.map(placeOf).join(', ')}`,
      };
    case 'ports-closed':
      return { tone: 'bad', text: `Ports closed: no worker was ready for ${formatDuration(event.afterMs)}` };
    case 'slot-ports-closed':
      return {
        tone: event.afterMs > 0 ? 'bad' : 'plain',
        text: `Closed ${event.listeners.map(placeOf).join(', ')}: slot ${event.slot} has no worker`,
      };
    case 'slot-port-refused':
      return { tone: 'bad', text: `Slot ${event.slot} cannot listen on port ${event.port}`, detail: event.code };
    case 'one-client':
      return {
        tone: 'warn',
        text: `All clients come from ${event.address}, so one worker has them all`,
        detail: 'A proxy stands there. With the balance ports it can choose the worker.',
      };
    case 'ports-differ':
      return {
        tone: 'bad',
        text: `Workers listen on different ports: ${[...event.listeners, ...event.others].map(placeOf).join(', ')}`,
        detail: 'Clients of one port reach only some workers. Give the program a fixed port.',
      };
    case 'unused-ports-closed':
      return { tone: 'plain', text: `Closed ${event.listeners.map(placeOf).join(', ')}: no worker listens there` };
    case 'inherited-unused':
      return {
        tone: event.kept ? 'bad' : 'plain',
        text: `No worker listens on ${event.listeners.map(placeOf).join(', ')}, which was handed down`,
      };
    case 'upgrade-started':
      return { tone: 'plain', text: `An upgrade began: successor ${event.successor}` };
    case 'upgrade-finished':
      return { tone: 'good', text: `Process ${event.pid} is the supervisor now` };
    case 'upgrade-failed':
      return { tone: 'bad', text: 'The upgrade failed; everything is as it was', detail: event.reason };
    case 'reload-started':
      return {
        tone: 'plain',
        text: `${event.kind === 'rollback' ? 'Rollback' : 'Reload'} from generation ${event.from} to ${event.generation} began`,
      };
    case 'reload-progress':
      return { tone: 'plain', text: `${event.done} of ${event.total} workers run generation ${event.generation}` };
    case 'supervisor-died':
      return { tone: 'bad', text: `The supervisor before this one (pid ${event.pid}) was killed` };
    case 'resurrected':
      return { tone: 'good', text: `A new supervisor took the app over after ${formatDuration(event.ms)}` };
    case 'orphans-ended':
      return {
        tone: event.killed.length === 0 ? 'plain' : 'warn',
        text: 'The workers of the supervisor that was killed have ended',
        ...(event.killed.length > 0 && {
          detail: `Killed, because they did not end in time: ${event.killed.join(', ')}`,
        }),
      };
    case 'reload-done':
      return {
        tone: 'good',
        text: `Generation ${event.generation} serves everywhere after ${formatDuration(event.ms)}`,
      };
    case 'reload-failed':
      return event.standing === undefined
        ? { tone: 'plain', text: `Generation ${event.generation} was given up`, detail: event.reason }
        : {
            tone: 'bad',
            text: `Generation ${event.generation} ${event.standing.headline}: ${event.standing.summary}`,
            detail: event.reason,
            lines: [...(event.frame ?? []), ...event.lastLines],
          };
    case 'scaled':
      return { tone: 'plain', text: `Scaled from ${event.from} to ${event.to} workers`, detail: event.reason };
    case 'recycled':
      return { tone: 'plain', text: `${who(event)} was replaced`, detail: event.reason };
    case 'held-back':
      return { tone: 'warn', text: `Held back: ${event.what}`, detail: event.reason };
    case 'throttled':
      return {
        tone: 'warn',
        text: `The CPU quota was used up in ${Math.round(event.share * 100)} % of the last minute`,
        detail: 'Raise the limit, or let fewer workers share it.',
      };
    case 'out-of-memory':
      return { tone: 'bad', text: `Out of memory: processes that the kernel killed: ${event.kills}` };
    case 'output-lost':
      return { tone: 'bad', text: `The log cannot be written: ${event.file ?? 'stdout'}`, detail: event.reason };
    case 'output-restored':
      return { tone: 'plain', text: `The log is written again; lines lost: ${event.lost}` };
    case 'incident':
      return { tone: 'bad', text: `Incident in ${who(event)}`, detail: event.summary };
    case 'admin-port':
      return event.url === null
        ? { tone: 'bad', text: 'The admin port cannot be opened', ...(event.reason && { detail: event.reason }) }
        : { tone: 'plain', text: `Admin API and page on ${event.url}` };
    case 'notice':
      return { tone: event.level === 'info' ? 'plain' : event.level === 'warn' ? 'warn' : 'bad', text: event.message };
  }
}

/** Where a socket listens, `*` for all addresses. */
export function placeOf({ path, address, port }: Listener): string {
  if (path !== undefined) return path;
  const host = !address || address === '::' || address === '0.0.0.0' ? '*' : address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const exitWords = {
  crashed: 'crashed',
  killed: 'was killed from outside',
  'timed-out': 'did not end in time',
  hung: 'hung and was killed',
  'never-ready': 'ended before it was ready',
  finished: 'ran to its end',
} as const;

function who(ref: { slot: number | null; pid: number | null }): string {
  const place = ref.slot === null ? 'Spare' : `Slot ${ref.slot}`;
  return ref.pid === null ? place : `${place} (pid ${ref.pid})`;
}
