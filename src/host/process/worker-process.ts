// One worker process as the primary sees it: turns what cluster and the preload say into inputs of the core, and sends messages to it. It
// lives until the process has ended and everything it said has been read (primary). The worker's end is src/worker/channel.ts, and what it
// does with each message is in src/worker/start.ts.

import type { ChildProcess, Serializable } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import type { Readable } from 'node:stream';
import {
  type AppMetric,
  type DataToPrimary,
  type Heartbeat,
  PROTOCOL,
  type ToPrimary,
  type ToWorker,
} from '../../protocol/messages.ts';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import type { LastWords, SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import { InspectorEar } from '../look/inspector-ear.ts';
import { monotonicMs } from '../monotonic.ts';
import { BindFailures } from './bind-failures.ts';
import { discard, guardChannel } from './channel-guard.ts';
import { explainExit } from './exit-explanation.ts';
import { heapGiven } from './fork.ts';

export interface WorkerObserver {
  input(input: SupervisorInput): void;
  data(worker: WorkerProcess, message: DataToPrimary, handle: RawHandle | undefined): void;
  /** A chunk of output as the worker wrote it. Only with piped output. */
  output(worker: WorkerProcess, stream: 'stdout' | 'stderr', chunk: Buffer): void;
  inspected(message: Extract<ToPrimary, { cmd: 'NODE_TUTTI_INSPECTED' }>): void;
  metrics(worker: WorkerProcess, seq: number | null, metrics: readonly AppMetric[] | null, leftOut: number): void;
  /** `handled`: the application listens to that signal. */
  signalled(worker: WorkerProcess, signal: NodeJS.Signals, handled: boolean): void;
  selfTestFailed(worker: WorkerProcess, problem: string): void;
  /** Something of tutti's own failed in the worker, which goes on. */
  failed(worker: WorkerProcess, what: string, error: string): void;
  /** The process is gone. Its end becomes an input when the promise resolves. */
  gone(worker: WorkerProcess): Promise<void>;
  outOfMemory(): boolean;
  /** The source of an error that ended it. */
  codeFrame(worker: WorkerProcess, error: string): Promise<readonly string[]>;
  /** What the worker said about its end. The exit follows as an input. */
  ended(worker: WorkerProcess, lastWords: LastWords): void;
  /** What the application sent with process.send(), except the word 'ready'. */
  said(message: unknown): void;
}

/** Of its output, for the report of its end. Chosen, not measured. */
const KEPT_LINES = 20;
const KEPT_CHARS = 8192;
/** How long after the exit to wait for the rest of its messages and output: a process that it left behind may keep the pipes open. */
const REST_MS = 250;

export class WorkerProcess {
  readonly id: WorkerId;
  /** Null for a spare until it gets a slot. */
  slot: number | null;
  readonly generation: number;
  readonly pid: number;
  scheme: 'http' | 'https' = 'http';
  /** When its last message or sign of life came, as monotonicMs(). A stopped or blocked process gives none. */
  heardAt = Number.NEGATIVE_INFINITY;
  readonly startedAt = monotonicMs();
  /** At its last heartbeat, the application listened to SIGUSR1. */
  handlesUsr1 = false;

  readonly #worker: Worker;
  readonly #process: ChildProcess;
  readonly #observer: WorkerObserver;
  readonly #tail: string[] = [];
  readonly #binds = new BindFailures();
  #lastWords: Extract<ToPrimary, { cmd: 'NODE_TUTTI_LAST_WORDS' }> | null = null;
  #ear: InspectorEar | null = null;
  /** Why it cannot be used. */
  #refusal: string | null = null;
  #helloed = false;
  #started = false;
  #ended = false;

  constructor(
    worker: Worker,
    { id, slot, generation }: { id: WorkerId; slot: number | null; generation: number },
    observer: WorkerObserver,
  ) {
    this.id = id;
    this.slot = slot;
    this.generation = generation;
    this.#worker = worker;
    this.#process = worker.process;
    this.#observer = observer;
    this.pid = worker.process.pid as number;
    this.#listen();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The address of the inspector that it is about to open, from its stderr. Only where this process reads the stderr. */
  inspector(signal: AbortSignal): { url: Promise<string> } {
    this.#ear = new InspectorEar(signal);
    return { url: this.#ear.url };
  }

  /** Gives the application a signal that was kept from it. */
  deliver(signal: 'SIGHUP' | 'SIGQUIT'): void {
    this.send({ cmd: 'NODE_TUTTI_SIGNAL', signal });
  }

  /** False if the channel is closed. `sent` is called in any case, with an error if the message could not be sent. */
  send(message: ToWorker, handle?: RawHandle, sent?: (error: Error | null) => void): boolean {
    if (!this.#process.connected) {
      sent?.(new Error('the channel to the worker is closed'));
      return false;
    }
    this.#binds.answered(message);
    // Always with a callback: without one, a failing send is emitted as an error later.
    this.#process.send(message as Serializable, handle as never, {}, (error) => sent?.(error));
    return true;
  }

  /** A spare takes its slot here. */
  admit(slot: number): void {
    this.slot = slot;
    this.send({ cmd: 'NODE_TUTTI_ADMIT', slot });
  }

  drain(timeoutMs: number, stop: boolean): void {
    this.send({ cmd: 'NODE_TUTTI_DRAIN', timeoutMs, stop });
  }

  /** Delivers SIGTERM to the application: through the preload, or as a signal if the preload cannot be reached. */
  terminate(): void {
    if (!this.send({ cmd: 'NODE_TUTTI_TERMINATE' })) this.#process.kill('SIGTERM');
  }

  /** Lets it finish what it has and leave by itself, as if this process were dead. Resolves when it has ended. */
  dismiss(): Promise<void> {
    return new Promise((ended) => {
      if (this.#ended) {
        ended();
        return;
      }
      this.#process.once('exit', () => ended());
      if (this.#process.connected) this.#process.disconnect();
    });
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** It gave a sign of life other than by message. */
  heard(at: number, beat: Heartbeat | null): void {
    this.heardAt = Math.max(this.heardAt, at);
    if (beat !== null) this.handlesUsr1 = beat.handlesUsr1;
  }

  #listen(): void {
    const forked = this.#process;
    const observer = this.#observer;
    // If the channel breaks during a send, the exit follows and is handled. Without a listener, the error would end the primary.
    this.#worker.on('error', () => {});
    forked.on('error', () => {});
    forked.on('internalMessage', (message: unknown, handle: RawHandle | undefined) => {
      if (isOurs(message)) this.#receive(message, handle);
    });
    guardChannel(forked, {
      invalid: (what, problem) =>
        observer.input({ type: 'worker-faulty', worker: this.id, detail: `${what}: ${problem}` }),
      broken: (problem) => this.#refuse(`its channel to tutti cannot be read any more: ${problem}`),
    });
    forked.on('message', (message, handle) => {
      // In a program without a listener, nobody takes a connection that comes along.
      if (this.#worker.listenerCount('message') + cluster.listenerCount('message') === 0) discard(handle);
      if (message === 'ready') observer.input({ type: 'worker-said-ready', worker: this.id });
      else observer.said(message);
    });
    for (const name of ['stdout', 'stderr'] as const) {
      const pass = (chunk: Buffer): void => {
        if (chunk.length === 0) return;
        if (name === 'stderr') this.#remember(chunk);
        observer.output(this, name, chunk);
      };
      const ear = (): InspectorEar | null => (name === 'stderr' ? this.#ear : null);
      forked[name]?.on('data', (chunk: Buffer) => pass(ear()?.take(chunk) ?? chunk));
      forked[name]?.once('end', () => pass(ear()?.end() ?? Buffer.alloc(0)));
      forked[name]?.on('error', () => {});
    }
    forked.once('spawn', () => observer.input({ type: 'worker-online', worker: this.id, pid: this.pid }));
    forked.once('exit', (code, signal) => {
      this.#ended = true;
      void this.#rest().then(() => this.#end(code, signal));
    });
  }

  #receive(message: ToPrimary, handle: RawHandle | undefined): void {
    const worker = this.id;
    const { input } = this.#observer;
    this.heardAt = monotonicMs();
    this.#binds.asked(message);
    switch (message.cmd) {
      case 'NODE_TUTTI_HELLO':
        this.#helloed = true;
        if (message.protocol !== PROTOCOL) {
          this.#refuse(
            `tutti was replaced on disk while this app runs, and its new workers do not fit it any more (protocol ${message.protocol}, not ${PROTOCOL}): restart the app, by tutti restart or by ending tutti run and starting it again`,
          );
        }
        if (message.selfTest !== 'ok') this.#observer.selfTestFailed(this, message.selfTest);
        return;
      case 'NODE_TUTTI_STARTED':
        this.#started = true;
        input({ type: 'worker-started', worker });
        return;
      case 'NODE_TUTTI_LISTENING':
        this.scheme = message.listeners.find((listener) => listener.scheme !== undefined)?.scheme ?? 'http';
        input({
          ...{ type: 'worker-listening', worker, search: this.#binds.search },
          listeners: message.listeners satisfies Listener[],
        });
        return;
      case 'NODE_TUTTI_READY':
        input({ type: 'worker-said-ready', worker });
        return;
      case 'NODE_TUTTI_CLIENTS':
        input({ type: 'worker-clients', worker, address: message.address });
        return;
      case 'NODE_TUTTI_CLOSED':
        input({ type: 'worker-closed', worker, ending: message.ending });
        return;
      case 'NODE_TUTTI_ALIVE':
        input({ type: 'worker-alive', worker });
        return;
      case 'NODE_TUTTI_HEARTBEAT':
        this.handlesUsr1 = message.beat.handlesUsr1;
        input({ type: 'worker-heartbeat', worker, beat: message.beat });
        return;
      case 'NODE_TUTTI_DRAINED':
        input({ type: 'worker-drained', worker, left: message.left, lasting: message.lasting });
        return;
      case 'NODE_TUTTI_INSPECTED':
        this.#observer.inspected(message);
        return;
      case 'NODE_TUTTI_METRICS_REPLY':
        this.#observer.metrics(this, message.seq, message.metrics, message.leftOut ?? 0);
        return;
      case 'NODE_TUTTI_SIGNALLED':
        this.#observer.signalled(this, message.signal as NodeJS.Signals, message.handled);
        return;
      case 'NODE_TUTTI_LAST_WORDS':
        this.#lastWords = message;
        if (message.waits) input({ type: 'worker-failing', worker });
        return;
      case 'NODE_TUTTI_FAILED':
        this.#observer.failed(this, message.what, message.error);
        return;
      case 'NODE_TUTTI_LISTEN':
      case 'NODE_TUTTI_COPY':
      case 'NODE_TUTTI_CLOSE':
      case 'NODE_TUTTI_SETTLE':
      case 'NODE_TUTTI_PONG':
      case 'NODE_TUTTI_TRANSFER':
      case 'NODE_TUTTI_DYING':
      case 'NODE_TUTTI_ADOPTED':
        this.#observer.data(this, message, handle);
        return;
      default:
        // channel-guard.ts has dropped what is unknown.
        message satisfies never;
    }
  }

  /** Nothing that it says can be used, so it is killed. */
  #refuse(why: string): void {
    this.#refusal ??= why;
    this.kill();
  }

  #remember(chunk: Buffer): void {
    const [first = '', ...rest] = chunk.toString('utf8').split('\n');
    // Of an endless line, only the end is kept.
    this.#tail.push(((this.#tail.pop() ?? '') + first).slice(-KEPT_CHARS), ...rest);
    if (this.#tail.length > KEPT_LINES + 1) this.#tail.splice(0, this.#tail.length - KEPT_LINES - 1);
  }

  /** Waits for what the process said just before its exit, which the exit can overtake. */
  async #rest(): Promise<void> {
    const { connected, stdout, stderr } = this.#process;
    const open: Promise<void>[] = [];
    if (connected) open.push(new Promise((done) => this.#process.once('disconnect', () => done())));
    for (const stream of [stdout, stderr]) if (stream !== null) open.push(ended(stream));
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((done) => {
      timer = setTimeout(done, REST_MS);
    });
    await Promise.race([Promise.all(open), enough]);
    clearTimeout(timer);
    // Output of a process that it left behind is not the worker's.
    stdout?.destroy();
    stderr?.destroy();
    if (this.#process.connected) this.#process.disconnect();
  }

  async #end(code: number | null, signal: string | null): Promise<void> {
    await this.#observer.gone(this);
    const stderr = this.#lastWords?.stderr.length
      ? this.#lastWords.stderr
      : this.#tail.filter((line) => line !== '').slice(-KEPT_LINES);
    const explanation =
      this.#refusal ??
      explainExit({
        code,
        signal,
        helloed: this.#helloed,
        started: this.#started,
        outOfMemory: signal === 'SIGKILL' && this.#observer.outOfMemory(),
        heapMib: heapGiven(this.#process.spawnargs),
        stderr,
        ownSignal: this.#lastWords?.ownSignal,
      });
    const lastWords: LastWords = { stderr };
    if (this.#lastWords?.error !== undefined) {
      lastWords.error = this.#lastWords.error;
      lastWords.frame = await this.#observer.codeFrame(this, lastWords.error);
    }
    if (explanation !== undefined) lastWords.explanation = explanation;
    else if (signal === null && code !== 0 && lastWords.error === undefined && this.#binds.last !== null) {
      lastWords.explanation = this.#binds.last;
    }
    if (this.#lastWords !== null) lastWords.requests = this.#lastWords.requests;
    this.#observer.ended(this, lastWords);
    this.#observer.input({ type: 'worker-exit', worker: this.id, code, signal, lastWords });
  }
}

function isOurs(message: unknown): message is ToPrimary {
  const cmd = (message as { cmd?: unknown } | null)?.cmd;
  return typeof cmd === 'string' && cmd.startsWith('NODE_TUTTI_');
}

function ended(stream: Readable): Promise<void> {
  return stream.closed ? Promise.resolve() : new Promise((done) => stream.once('close', () => done()));
}
