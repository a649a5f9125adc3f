// The log process: `node log-writer.js <JSON of WriterOptions>`. It listens on a unix socket; the primary connects once for each
// output stream of each worker, says whose it is, and gives the connection to the worker as its stdout or stderr. So no byte of a
// worker's output passes through the primary, and the primary's death ends no output. The process ends by itself when the primary's
// control connection and every worker's stream have closed.

import { existsSync, openSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { LineSplitter } from './line-splitter.ts';
import { formatRecord, type LogFormat, type LogRecord } from './record.ts';
import { DescriptorSink, FileSink, type FileSinkOptions, type Sink } from './sink.ts';

export interface WriterOptions {
  socket: string;
  format: LogFormat;
  /** null: standard output. */
  file: FileSinkOptions | null;
}

/** The first line of every connection. */
export type Hello =
  | { role: 'control' }
  | { role: 'stream'; id: number; stream: 'out' | 'err'; slot: number | null; generation: number };

/** A line on the control connection. A spare's slot is told when it takes one. */
export type Control = { id: number; pid: number } | { id: number; slot: number } | { reopen: true } | { line: string };

/** The primary connects at once; only its death in that moment leaves this process alone. */
const FIRST_CONTACT_MS = 10_000;
/** How much of a worker's first output waits for its pid to be known. */
const EARLY_BYTES = 256 * 1024;

type Origin = Omit<LogRecord, 'time' | 'line'>;

class Writer {
  readonly #format: LogFormat;
  readonly #sink: Sink;
  readonly #server = createServer((socket) => this.#onConnection(socket));
  readonly #pids = new Map<number, number>();
  readonly #slots = new Map<number, number>();
  readonly #waiting = new Map<number, Set<() => void>>();
  #open = 0;
  #hasPrimary = false;

  constructor({ socket, format, file }: WriterOptions) {
    this.#format = format;
    const explain = (dropped: number): Buffer =>
      formatRecord(
        format,
        { slot: null, pid: process.pid, generation: null, stream: 'tutti' },
        Buffer.from(`${dropped} lines were dropped: the log could not be written fast enough.`),
        new Date(),
      );
    this.#sink = sinkFor(file, explain);
    this.#server.listen(socket, () => process.send?.('listening', () => process.disconnect?.()));
    // A primary that died before it could connect is not coming.
    setTimeout(() => this.#onIdle(), FIRST_CONTACT_MS).unref();
  }

  #onConnection(socket: Socket): void {
    this.#open += 1;
    socket.on('error', () => {}); // 'close' follows
    socket.once('close', () => this.#onClose());
    const splitter = new LineSplitter();
    const onHello = (chunk: Buffer): void => {
      const end = chunk.indexOf(10);
      if (end < 0) {
        socket.destroy(); // not the primary: it writes the greeting in one piece
        return;
      }
      socket.off('data', onHello);
      const hello: Hello = JSON.parse(chunk.subarray(0, end).toString());
      if (hello.role === 'control') this.#readControl(socket, splitter);
      else this.#readStream(socket, splitter, hello);
      if (end + 1 < chunk.length) socket.emit('data', chunk.subarray(end + 1));
    };
    socket.on('data', onHello);
  }

  #readControl(socket: Socket, splitter: LineSplitter): void {
    this.#hasPrimary = true;
    socket.once('close', () => {
      this.#hasPrimary = false;
      for (const id of this.#waiting.keys()) this.#release(id);
      this.#onIdle();
    });
    socket.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) this.#onControl(JSON.parse(line.toString()));
    });
  }

  #onControl(message: Control): void {
    if ('reopen' in message) this.#sink.reopen();
    else if ('line' in message)
      this.#write({ slot: null, pid: null, generation: null, stream: 'tutti' }, Buffer.from(message.line));
    else if ('slot' in message) this.#slots.set(message.id, message.slot);
    else {
      this.#pids.set(message.id, message.pid);
      this.#release(message.id);
    }
  }

  #readStream(socket: Socket, splitter: LineSplitter, hello: Hello & { role: 'stream' }): void {
    const early: Buffer[] = [];
    let earlySize = 0;
    let isEarly = this.#format === 'json' && !this.#pids.has(hello.id);
    const origin = (): Origin => ({
      slot: this.#slots.get(hello.id) ?? hello.slot,
      pid: this.#pids.get(hello.id) ?? null,
      generation: hello.generation,
      stream: hello.stream,
    });
    const put = (line: Buffer): void => {
      if (!isEarly) {
        this.#write(origin(), line);
        return;
      }
      early.push(line);
      earlySize += line.length;
      if (earlySize > EARLY_BYTES) release();
    };
    const release = (): void => {
      isEarly = false;
      for (const line of early.splice(0)) this.#write(origin(), line);
    };
    if (isEarly) {
      const waiting = this.#waiting.get(hello.id) ?? new Set();
      this.#waiting.set(hello.id, waiting.add(release));
    }
    socket.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) put(line);
    });
    socket.once('close', () => {
      this.#pids.delete(hello.id);
      this.#slots.delete(hello.id);
    });
    socket.once('end', () => {
      const rest = splitter.end();
      if (rest) put(rest);
      release();
    });
  }

  #release(id: number): void {
    for (const release of this.#waiting.get(id) ?? []) release();
    this.#waiting.delete(id);
  }

  #write(origin: Origin, line: Buffer): void {
    this.#sink.write(formatRecord(this.#format, origin, line, new Date()));
  }

  #onClose(): void {
    this.#open -= 1;
    this.#onIdle();
  }

  #onIdle(): void {
    if (this.#hasPrimary || this.#open > 0) return;
    this.#server.close();
    void this.#sink.end();
  }
}

function sinkFor(file: FileSinkOptions | null, explain: (dropped: number) => Buffer): Sink {
  if (file === null) return new DescriptorSink(1, explain);
  // A device such as /dev/null cannot rotate.
  const isDevice = existsSync(file.file) && !statSync(file.file).isFile();
  return isDevice ? new DescriptorSink(openSync(file.file, 'a'), explain) : new FileSink(file, explain);
}

// A signal for the whole group or a service manager's TERM must not cut off the last lines of the workers; their end ends us.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
  process.on(signal, () => {});
new Writer(JSON.parse(process.argv[2] as string));
