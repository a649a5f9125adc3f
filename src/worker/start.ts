// Joins the parts of the preload in a worker's main thread, before the user's code runs.

import { type BootInfo, PROTOCOL } from '../protocol/messages.ts';
import type { RawHandle } from '../protocol/raw-handle.ts';
import { hold, onMessage, openChannel, post, receiveOthers } from './channel.ts';
import type { CompileCache } from './compile-cache.ts';
import { trackConnections } from './connections/connections.ts';
import { installDataPlane } from './connections/worker-data-plane.ts';
import { Drain } from './drain/drain.ts';
import { guarded, type HandOver, later, on, soon, tellFailures, unawaited } from './guard.ts';
import { answerInspections } from './inspect/inspect.ts';
import { acceptProbe } from './inspect/probe.ts';
import { keepListeners } from './kept-listeners.ts';
import { noteTold } from './leave.ts';
import { createReadiness } from './listen/readiness.ts';
import { watchPrimary } from './orphan.ts';
import { expectBrokenOutput } from './output.ts';
import { process } from './own-process.ts';
import { answerMetrics, postLastMetrics } from './report/app-metrics.ts';
import { startHeartbeat } from './report/heartbeat.ts';
import { rememberLastWords } from './report/last-words.ts';
import { OwnRecord } from './report/own-record.ts';
import { countRequests, requestsInFlight, requestTally } from './report/requests.ts';
import { SameFailure } from './report/same-failure.ts';
import { keepTally } from './report/tally.ts';
import { raiseShield } from './signals.ts';
import { whenStarted } from './started.ts';

const LAST_METRICS_MS = 250;
/** At most so many of any one event of process are tutti's or node:cluster's. */
const OWN_LISTENERS = 2;

export function start(boot: BootInfo, cache: CompileCache | null): void {
  const flush = guarded('writing the compile cache', () => cache?.flush());
  const flushCache = (): void => soon(flush);

  openChannel(() => {
    post({ cmd: 'NODE_TUTTI_READY' });
    flushCache();
  });
  tellFailures((what, error) => post({ cmd: 'NODE_TUTTI_FAILED', what, error }));
  const same = new SameFailure(boot);
  const tellLastWords = rememberLastWords(same);
  if (boot.logged) expectBrokenOutput();
  trackConnections();
  countRequests();
  const record = boot.scoreboard === null ? null : OwnRecord.open(boot.scoreboard, requestTally());
  if (record !== null) keepTally(record);
  answerMetrics(boot.metricsAsked);
  answerInspections();
  const readiness = createReadiness(() => {
    same.end();
    if (boot.ready === 'listening') flushCache();
  });
  const plane = installDataPlane({
    boot,
    send: (message, handle, callback) => post(message, handle as RawHandle | undefined, callback),
    readiness,
  });
  const drain = new Drain({
    stopAccepting() {
      readiness.draining();
      plane.stopAccepting();
    },
    moveIdle: () => plane.moveIdle(),
    willMove: (connection) => plane.willMove(connection),
    leaving: () => plane.leaving(),
    isHeard: () => shield.isHeard(boot.end),
  });
  let orphaned = false;
  // Held from the drain on until the application has had its signal: it may have nothing else left to live for.
  let release: (() => void) | null = null;
  let isDrained = false;
  const beginDrain = (timeoutMs: number, stop: boolean): void => {
    release ??= hold();
    drain.begin(timeoutMs, stop, ({ left, lasting, restMs }) => {
      isDrained = true;
      plane.end();
      if (orphaned) {
        leave(lasting ? restMs : 0);
        return;
      }
      const told = postLastMetrics(LAST_METRICS_MS).then(() => {
        lastBeat();
        post({ cmd: 'NODE_TUTTI_DRAINED', left, lasting });
      });
      unawaited('telling the end of a drain', told);
    });
  };
  const terminate = (): HandOver => {
    lastBeat();
    // Not after a drain: then its end is no failure that anybody has to understand.
    if (release === null) tellLastWords();
    noteTold();
    return () => {
      try {
        shield.release(boot.end);
      } finally {
        release?.();
      }
    };
  };
  const terminateSoon = guarded('the end', terminate);
  const kill = guarded('the end', () => void process.kill(process.pid, 'SIGKILL'));

  /** Without a primary nobody else says when to end. */
  const leave = (restMs: number): void => {
    later(restMs + boot.end.stopTimeoutMs, kill).unref();
    soon(terminateSoon);
  };

  const shield = raiseShield((signal, handled) => {
    if (!orphaned) post({ cmd: 'NODE_TUTTI_SIGNALLED', signal, handled });
    // Without a primary a second signal is the only way to say "now".
    else if (signal !== 'SIGHUP') soon(terminateSoon);
  }, tellLastWords);
  const lookForPrimary = watchPrimary(() => {
    orphaned = true;
    plane.abandon();
    // The primary may have died between the end of a drain that it ordered and its order to end.
    if (isDrained) leave(0);
    else beginDrain(boot.end.drainTimeoutMs, false);
  });

  onMessage('NODE_TUTTI_DRAIN', ({ timeoutMs, stop }) => {
    beginDrain(timeoutMs, stop);
  });
  onMessage('NODE_TUTTI_TERMINATE', terminate);
  onMessage('NODE_TUTTI_SIGNAL', ({ signal }) => {
    return () => void shield.deliver(signal);
  });
  onMessage('NODE_TUTTI_PROBE', (_message, handle) => (handle === undefined ? undefined : acceptProbe(handle)));
  onMessage('NODE_TUTTI_ADMIT', ({ slot }) => {
    takeSlot(slot, boot);
    plane.admit(slot);
  });

  receiveOthers((message, handle) => plane.onMessage(message, handle));

  post({ cmd: 'NODE_TUTTI_HELLO', protocol: PROTOCOL, selfTest: plane.selfTest });
  whenStarted(() => {
    post({ cmd: 'NODE_TUTTI_STARTED' });
    if (boot.ready === 'started') flushCache();
    // A program that is told its end by a message may live for nothing but that message.
    if (boot.end.shutdownMessage && process.listenerCount('message') > 0) process.channel?.ref();
  });
  const lastBeat = startHeartbeat(boot.heartbeatMs, record, () => plane.counts(), lookForPrimary);
  // Whatever ends the process, short of a signal: on a pipe this is written before the process is gone. Connections leave here and not
  // at an error, which an application may survive.
  const end = guarded('the last turn', () => {
    lastBeat();
    plane.rescue();
  });
  on(process, 'exit', end);
  same.noteOwn();
  keepListeners();
  // An application that has as many as Node allows is not warned because of ours.
  process.setMaxListeners(process.getMaxListeners() + OWN_LISTENERS);
  // For a debugger that stops a blocked loop: it can ask what the loop was serving.
  Object.defineProperty(process, Symbol.for('tutti.requests'), { value: requestsInFlight });
}

/** A spare learns its place only now; what reads the environment later sees it. */
function takeSlot(slot: number, { instanceVar, increment }: BootInfo): void {
  if (process.env.TUTTI_SLOT !== undefined) return;
  process.env.TUTTI_SLOT = String(slot);
  process.env[instanceVar] = String(slot);
  if (increment !== null) process.env[increment.name] = String(increment.first + slot);
}
