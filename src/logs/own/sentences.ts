// Every event as a sentence for people: the only place that words them. Pure.

import type { ExitReason, SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface Sentence {
  level: Level;
  text: string;
  /** The worker's own last words, to be set off below the sentence. */
  quoted: readonly string[];
}

export function sentence(event: SupervisorEvent): Sentence {
  switch (event.type) {
    case 'state':
      return say(event.state === 'stopping' ? 'info' : 'debug', `${event.state}${because(event.reason)}`);
    case 'worker-online':
      return say('debug', `${worker(event)} started`);
    case 'worker-ready':
      return say('info', `${worker(event)} ready after ${time(event.bootMs)}`);
    case 'worker-spare':
      return say('debug', `spare worker (pid ${event.pid}) booted after ${time(event.bootMs)}`);
    case 'worker-suspect':
      return say('warn', `${worker(event)} has been silent for ${time(event.silentMs)}: its event loop may be blocked`);
    case 'worker-recovered':
      return say('info', `${worker(event)} answers again after ${time(event.silentMs)} of silence`);
    case 'worker-faulty':
      return say('error', `${worker(event)} sent what tutti cannot use (${event.detail}); it is replaced`);
    case 'worker-draining':
      return say('debug', `${worker(event)} drains: ${event.reason}`);
    case 'worker-drained':
      return drained(event);
    case 'worker-exit':
      return exit(event);
    case 'requests-replayed':
      return say(
        'info',
        `${worker(event)} dies, and passes on ${count(event.count, 'request')} that it had not begun to answer`,
      );
    case 'worker-restart':
      return event.delayMs === 0 && !event.mixed
        ? say('debug', `slot ${event.slot} restarts at once`)
        : say('warn', restart(event));
    case 'slot-broken':
      return say('error', `slot ${event.slot} failed ${count(event.failures, 'time')}: ${event.detail}`);
    case 'circuit':
      return event.state === 'open'
        ? say(
            'error',
            `${count(event.earlyDeaths, 'worker')} died early within ${time(event.windowMs)}: one start at a time from now on`,
          )
        : say('info', 'workers start normally again');
    case 'listening':
      return say('info', `listening on ${event.listeners.map(place).join(', ')}`);
    case 'ports-closed':
      return say('error', `no worker has been ready for ${time(event.afterMs)}: ports closed until one is`);
    case 'slot-ports-closed':
      return say(
        event.afterMs > 0 ? 'error' : 'info',
        `closed ${event.listeners.map(place).join(', ')}: slot ${event.slot} has no worker${event.afterMs > 0 ? ` for ${time(event.afterMs)}; it opens again with the next one` : ' any more'}`,
      );
    case 'slot-port-refused':
      return say('error', portRefused(event));
    case 'one-client':
      return say(
        'warn',
        `all clients come from ${event.address}, so with ip-hash one worker has them all: a proxy stands there. Use --balance ports and let the proxy choose (tutti export nginx), or another balance`,
      );
    case 'ports-differ':
      return say('warn', portsDiffer(event));
    case 'unused-ports-closed':
      return say('info', `closed ${event.listeners.map(place).join(', ')}, where no worker listens any more`);
    case 'inherited-unused':
      return say(
        'warn',
        `no worker listens on ${event.listeners.map(place).join(', ')}, which ${event.kept ? 'the service manager holds open: clients that connect there wait for ever. Let the program and the .socket unit name the same address' : 'the supervisor before had: it is closed'}`,
      );
    case 'supervisor-died':
      return say(
        'warn',
        `the supervisor before this one (pid ${event.pid}) was killed; ${count(event.orphans.length, 'worker')} of it serve${event.orphans.length === 1 ? 's' : ''} on until new ones are ready`,
      );
    case 'resurrected':
      return say(
        'info',
        `took the app over from the supervisor that was killed (pid ${event.from}) after ${time(event.ms)}; its workers finish what they have: ${event.orphans.join(', ') || 'none is left'}`,
      );
    case 'orphans-ended':
      return event.killed.length === 0
        ? say('info', `the last worker of the supervisor that was killed (pid ${event.from}) has left`)
        : say(
            'warn',
            `workers of the supervisor that was killed (pid ${event.from}) did not end in time and were killed: ${event.killed.join(', ')}`,
          );
    case 'upgrade-started':
      return say('info', `a successor starts: process ${event.successor}, ${event.node}`);
    case 'upgrade-finished':
      return say(
        'info',
        `process ${event.pid} is the supervisor now, in the place of ${event.from}, after ${time(event.ms)}`,
      );
    case 'upgrade-failed':
      return say('error', `the upgrade failed, and everything is as it was: ${event.reason}`);
    case 'reload-started':
      return say('info', `${event.kind} to generation ${event.generation} begins`);
    case 'reload-progress':
      return say('debug', `generation ${event.generation}: ${event.done} of ${event.total} workers`);
    case 'reload-done':
      return say('info', `generation ${event.generation} serves, after ${time(event.ms)}`);
    case 'reload-failed':
      return event.superseded
        ? say('info', `generation ${event.generation} was given up: ${event.reason}`)
        : say('error', reloadFailed(event), [...(event.frame ?? []), ...event.lastLines]);
    case 'scaled':
      return say('info', `scaled from ${event.from} to ${count(event.to, 'worker')}: ${event.reason}`);
    case 'recycled':
      return say('info', `${worker(event)} was recycled: ${event.reason}`);
    case 'held-back':
      return say('warn', `${event.what} is held back: ${event.reason}`);
    case 'throttled':
      return say(
        'warn',
        `the CPU quota${event.quota === null ? '' : ` of ${event.quota}`} was used up in ${Math.round(event.share * 100)} % of the last minute's periods, and threads waited ${time(event.seconds * 1000)} for the next one: raise the limit, or let fewer workers share it`,
      );
    case 'out-of-memory':
      return say(
        'error',
        `the kernel killed ${event.kills === 1 ? 'a process' : `${event.kills} processes`} of this container: its memory limit${event.limitBytes === null ? '' : ` of ${Math.round(event.limitBytes / 2 ** 20)} MiB`} was reached`,
      );
    case 'output-lost':
      return say(
        'error',
        `the workers' output cannot be written to ${event.file ?? 'stdout'}: ${event.reason}. It is tried again; beyond 8 MB lines are lost`,
      );
    case 'output-restored':
      return say(
        event.lost === 0 ? 'info' : 'warn',
        `the workers' output is written to ${event.file ?? 'stdout'} again; ${event.lost === 0 ? 'nothing' : count(event.lost, 'line')} was lost`.replace(
          /s was lost$/,
          's were lost',
        ),
      );
    case 'incident':
      return event.told
        ? say('info', `${worker(event)}: see tutti describe --incident ${event.id}`)
        : say('error', `${worker(event)}: ${event.summary} (incident ${event.id})`);
    case 'admin-port':
      return event.url === null
        ? say('error', `the admin port cannot be opened: ${event.reason ?? 'unknown'}`)
        : say('info', `admin API and page on ${event.url}`);
    case 'notice':
      return say(event.level, event.message);
    default:
      return unknown(event);
  }
}

function say(level: Level, text: string, quoted: readonly string[] = []): Sentence {
  return { level, text, quoted };
}

/** A new kind of event without a sentence does not compile. */
function unknown(event: never): Sentence {
  return say('debug', JSON.stringify(event));
}

function worker({ slot, pid }: { slot: number | null; pid: number | null }): string {
  return `${slot === null ? 'spare worker' : `worker ${slot}`}${pid === null ? '' : ` (pid ${pid})`}`;
}

const ends: Record<ExitReason, string> = {
  planned: 'has left',
  crashed: 'crashed',
  killed: 'was killed by a signal that tutti did not send',
  'timed-out': 'did not end in time',
  hung: 'hung and was killed',
  'never-ready': 'did not become ready',
  finished: 'has finished',
};

const levels: Partial<Record<ExitReason, Level>> = { planned: 'debug', finished: 'info', 'timed-out': 'warn' };

function exit(event: Extract<SupervisorEvent, { type: 'worker-exit' }>): Sentence {
  const { reason, detail } = event;
  const level = levels[reason] ?? 'error';
  // The core's words for an end of its own begin with how the process ended, and then say it all.
  const how = detail.startsWith('ended') && reason !== 'killed' ? detail : ends[reason];
  const because = detail === '' || how === detail ? '' : `: ${detail}`;
  return say(level, `${worker(event)} ${how}${because}`);
}

function drained(event: Extract<SupervisorEvent, { type: 'worker-drained' }>): Sentence {
  const { left, lasting, drainMs } = event;
  if (left.length === 0) return say('debug', `${worker(event)} drained in ${time(drainMs)}`);
  // These go on for as long as their clients like: that they are there is no fault.
  if (lasting) return say('debug', `${worker(event)} drained in ${time(drainMs)}, but for ${left.join(', ')}`);
  return say('warn', `${worker(event)} was not done after ${time(drainMs)}; still open: ${left.join(', ')}`);
}

function restart(event: Extract<SupervisorEvent, { type: 'worker-restart' }>): string {
  const { earlyDeaths, delayMs } = event;
  const after = earlyDeaths > 0 ? `, after ${count(earlyDeaths, 'early death')} in a row` : '';
  const rationed = earlyDeaths === 0 && delayMs > 0 ? ': so many die there that it gets one start a second' : '';
  const mixed = event.mixed
    ? '; its files were overwritten since the last reload, so it may run a mix of old and new code'
    : '';
  return `slot ${event.slot} restarts ${delayMs === 0 ? 'at once' : `in ${time(delayMs)}`}${after}${rationed}${mixed}`;
}

function reloadFailed(event: Extract<SupervisorEvent, { type: 'reload-failed' }>): string {
  const { generation, reason, standing } = event;
  if (standing === undefined) return `generation ${generation} failed: ${reason}`;
  const { headline, summary, warning } = standing;
  const careful = warning === null ? '' : `; careful: ${warning}`;
  return `generation ${generation} ${headline}: ${summary}; why: ${reason}${careful}`;
}

function portsDiffer(event: Extract<SupervisorEvent, { type: 'ports-differ' }>): string {
  const { listeners, others, wanted } = event;
  const fact = `${worker(event)} listens on ${listeners.map(place).join(', ')}, others on ${others.map(place).join(', ')}`;
  return wanted === null
    ? `${fact}: clients of one port reach only some workers; give the program a fixed port`
    : `${fact}: the program looks for a free port and found its own app on ${wanted}; give it a fixed port`;
}

function because(reason: string | undefined): string {
  return reason === undefined || reason === '' ? '' : `: ${reason}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

export function time(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} min`;
}

export function place(listener: Listener): string {
  if (listener.protocol === 'unix') return listener.path ?? 'a unix socket';
  const address = listener.address ?? '';
  const host = address.includes(':') ? `[${address}]` : address;
  return `${listener.protocol === 'udp' ? 'udp ' : ''}${host}:${listener.port ?? 0}`;
}

/** What to type into a browser, for a listener that speaks HTTP; an address that means "every interface" becomes localhost. */
export function url(listener: Listener): string | null {
  if (listener.scheme === undefined || listener.port === undefined) return null;
  const { scheme, port, address = '' } = listener;
  const everywhere = address === '' || address === '::' || address === '0.0.0.0';
  const host = everywhere ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  const usual = (scheme === 'http' && port === 80) || (scheme === 'https' && port === 443);
  return `${scheme}://${host}${usual ? '' : `:${port}`}`;
}

function portRefused({ slot, port, asked, code }: Extract<SupervisorEvent, { type: 'slot-port-refused' }>): string {
  const why =
    port > 65_535
      ? 'there is none beyond 65535'
      : code === 'EADDRINUSE'
        ? 'another program, or another server of this app, has it'
        : `the system answers ${code}`;
  const cure =
    'Each slot needs the port that the app listens on, and its number added: free it, listen elsewhere, or run fewer workers';
  return `slot ${slot} cannot listen on port ${port} (${asked} + ${slot}): ${why}. ${cure}`;
}
