// Joins the parts of the preload in a worker's main thread, before the user's code runs. The primary's counterpart is
// src/host/process/worker-process.ts.

import { dirname } from 'node:path';
import { type BootInfo, PROTOCOL, type ToWorker } from '../protocol/messages.ts';
import type { RawHandle } from '../protocol/raw-handle.ts';
import { hold, openChannel, post, receiveMessages } from './channel.ts';
import type { CompileCache } from './compile-cache.ts';
import { trackConnections } from './connections/connections.ts';
import { installDataPlane } from './connections/worker-data-plane.ts';
import { Drain } from './drain/drain.ts';
import { failed, guarded, type HandOver, later, type Outcome, on, soon, tellFailures, unawaited } from './guard.ts';
import { answerInspection } from './inspect/inspect.ts';
import { acceptProbe } from './inspect/probe.ts';
import { setKeepAlive } from './keep-alive.ts';
import { keepListeners } from './kept-listeners.ts';
import { noteTold } from './leave.ts';
import { createReadiness } from './listen/readiness.ts';
import { Orphan } from './orphan/orphan.ts';
import { expectBrokenOutput } from './output.ts';
import { process } from './own-process.ts';
import { answerMetrics, expectQuestions, postLastMetrics } from './report/app-metrics.ts';
import { startHeartbeat } from './report/heartbeat.ts';
import { rememberLastWords } from './report/last-words.ts';
import { countRequests, requestsInFlight, requestTally } from './report/requests.ts';
import { SameFailure } from './report/same-failure.ts';
import { ScoreboardSeat } from './report/scoreboard-seat.ts';
import { keepTally } from './report/tally.ts';
import { raiseShield } from './signals.ts';
import { whenStarted } from './started.ts';

const LAST_METRICS_MS = 250;
/** The most listeners that tutti and node:cluster have on any one event of process. */
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
  // A primary of an older version says nothing of it.
  if (typeof boot.keepAliveMs === 'number') setKeepAlive(boot.keepAliveMs);
  countRequests();
  const seat = boot.scoreboard === null ? null : ScoreboardSeat.open(boot.scoreboard, requestTally());
  if (seat !== null) keepTally(seat);
  if (boot.metricsAsked) expectQuestions();
  const readiness = createReadiness(() => {
    same.end();
    if (boot.ready === 'listening') flushCache();
  });
  const plane = installDataPlane({
    boot,
    seat,
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
    leaving: () => plane.leaving() + (orphan.isAwaited ? 1 : 0),
    isHeard: () => shield.isHeard(boot.end),
  });
  let slot = boot.slot;
  let isAdmitted = false;
  // From the drain until the application has had its signal, the process is kept alive: nothing else may do that.
  let release: (() => void) | null = null;
  let isDrained = false;
  const beginDrain = (timeoutMs: number, stop: boolean): void => {
    release ??= hold();
    drain.begin(timeoutMs, stop, ({ left, lasting, restMs }) => {
      isDrained = true;
      plane.end();
      if (orphan.isAlone) {
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
    // Not after a drain: then the end is not a failure that needs an explanation.
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

  /** For a worker without a primary, which nobody else would end. */
  const leave = (restMs: number): void => {
    later(restMs + boot.end.stopTimeoutMs, kill).unref();
    soon(terminateSoon);
  };

  const shield = raiseShield((signal, handled) => {
    if (!orphan.isAlone) post({ cmd: 'NODE_TUTTI_SIGNALLED', signal, handled });
    // Without a primary a second signal is the only way to say "now".
    else if (signal !== 'SIGHUP' && orphan.end()) soon(terminateSoon);
  }, tellLastWords);
  const orphan = new Orphan({
    orders: boot.orphan ?? null,
    isServing: () => release === null && isAdmitted,
    canGoOn: () => plane.ownSockets() !== null,
    abandoned() {
      plane.abandon();
      seat?.abandon();
    },
    drain() {
      // The primary may have died between the end of a drain that it ordered and its order to end.
      if (isDrained) leave(0);
      else beginDrain(boot.end.drainTimeoutMs, false);
    },
    revive(orders) {
      // Loaded only now, because hardly any worker ever needs it.
      const { reviver } = require('./orphan/revive.ts') as typeof import('./orphan/revive.ts');
      forgetOwnModules();
      const { lacksCopy } = plane;
      const sockets = () => plane.ownSockets() ?? [];
      return reviver(orders, { slot: slot ?? 0, generation: boot.generation, lacksCopy, sockets });
    },
  });

  receiveMessages((message: ToWorker, handle: RawHandle | undefined): Outcome => {
    switch (message.cmd) {
      case 'NODE_TUTTI_ADMIT':
        isAdmitted = true;
        slot = message.slot;
        takeSlot(message.slot, boot);
        return plane.admit(message.slot);
      case 'NODE_TUTTI_PROBE':
        return handle === undefined ? undefined : acceptProbe(handle);
      case 'NODE_TUTTI_DRAIN':
        return beginDrain(message.timeoutMs, message.stop);
      case 'NODE_TUTTI_TERMINATE':
        return terminate();
      case 'NODE_TUTTI_SIGNAL':
        return () => void shield.deliver(message.signal);
      case 'NODE_TUTTI_INSPECT':
        return answerInspection(message);
      case 'NODE_TUTTI_METRICS':
        return answerMetrics(message);
      case 'NODE_TUTTI_LISTEN_REPLY':
      case 'NODE_TUTTI_ADOPT':
      case 'NODE_TUTTI_PING':
      case 'NODE_TUTTI_SETTLED':
      case 'NODE_TUTTI_PORT':
      case 'NODE_TUTTI_REST':
      case 'NODE_TUTTI_ACCEPT':
        return plane.onMessage(message, handle);
      default:
        return passOver(message, handle);
    }
  });

  post({ cmd: 'NODE_TUTTI_HELLO', protocol: PROTOCOL, selfTest: plane.selfTest });
  whenStarted(() => {
    post({ cmd: 'NODE_TUTTI_STARTED' });
    if (boot.ready === 'started') flushCache();
    // A program that shuts down on a message may have nothing but that listener to keep it alive.
    if (boot.end.shutdownMessage && process.listenerCount('message') > 0) process.channel?.ref();
  });
  const lastBeat = startHeartbeat(boot.heartbeatMs, seat, () => plane.counts(), orphan.look);
  // Whatever ends the process, except a signal, ends in this event, and what is sent here reaches the pipe before the process is gone.
  // Connections leave here and not at an error, which the application may survive.
  const end = guarded('the last turn', () => {
    lastBeat();
    plane.rescue();
  });
  on(process, 'exit', end);
  same.noteOwn();
  keepListeners();
  // Our listeners must not push the application over the limit at which Node warns.
  process.setMaxListeners(process.getMaxListeners() + OWN_LISTENERS);
  // A debugger that stops a blocked loop asks here what the loop was serving.
  Object.defineProperty(process, Symbol.for('tutti.requests'), { value: requestsInFlight });
}

/** Reported once for each kind; the application goes on. A handle that nobody takes would stay open. */
function passOver(message: never, handle: RawHandle | undefined): void {
  handle?.close();
  failed((message as ToWorker).cmd, 'the primary sent this message, which this worker does not know');
}

/** A spare gets its slot only now. Code that reads the environment later sees it. */
function takeSlot(slot: number, { instanceVar, increment }: BootInfo): void {
  if (process.env.TUTTI_SLOT !== undefined) return;
  process.env.TUTTI_SLOT = String(slot);
  process.env[instanceVar] = String(slot);
  if (increment !== null) process.env[increment.name] = String(increment.first + slot);
}

/** An application that walks or clears the cache of modules does not meet us there. */
function forgetOwnModules(): void {
  for (const path of Object.keys(require.cache)) if (dirname(path) === __dirname) delete require.cache[path];
}
