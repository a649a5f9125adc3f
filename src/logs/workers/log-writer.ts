// The log process: `node log-writer.js`, told over its IPC channel what to do. It listens on a unix socket; the primary connects once for
// each output stream of each worker, says whose it is, and gives the connection to the worker as its stdout or stderr. So no byte of a
// worker's output passes through the primary, and the primary's death ends no output. The process ends by itself when the primary's
// control connection and every worker's stream have closed.

import { createServer, type Server, type Socket } from 'node:net';
import { hearInspector } from '../../protocol/inspector-talk.ts';
import { LineSplitter, LONGEST_LINE_BYTES } from './line-splitter.ts';
import type { Hello, LogOrder, LogReport, Opened, WriterOptions } from './log-protocol.ts';
import { DescriptorOutlet, FileOutlet } from './outlets.ts';
import { formatRecord, type Origin } from './record.ts';
import { Sink } from './sink.ts';

/** The primary connects at once; only its death in that moment leaves this process alone. */
const FIRST_CONTACT_MS = 10_000;
/** Who connects and does not greet in that time is not the primary. */
const GREETING_MS = 5000;
/** How much of a worker's first output waits for its pid to be known. */
const EARLY_BYTES = 256 * 1024;
/** In `raw` a line is bytes and nothing else, so it may be longer before it has to be cut. */
const LONGEST_RAW_BYTES = 32 * 1024 * 1024;
/** A disk that hangs at the first attempt to open the file holds nobody up for longer. */
const FIRST_OPEN_MS = 2000;

class Writer {
  readonly #options: WriterOptions;
  readonly #sink: Sink;
  #server: Server | null = null;
  readonly #streams = new Map<number, number>();
  readonly #pids = new Map<number, number>();
  readonly #slots = new Map<number, number>();
  readonly #waiting = new Map<number, Set<() => void>>();
  /** Workers whose inspector is about to be opened by the primary. */
  readonly #opening = new Set<number>();
  #open = 0;
  #primary: Socket | null = null;
  #ending = false;
  /** LogReport before the primary was there to hear it. */
  readonly #untold: LogReport[] = [];

  constructor(options: WriterOptions) {
    this.#options = options;
    const { file, descriptor } = options;
    this.#sink = new Sink({
      outlet:
        file === null || descriptor !== null
          ? new DescriptorOutlet(descriptor ?? 1)
          : new FileOutlet(file, (reason) => this.#tell({ unrotated: reason })),
      explain: (dropped) =>
        formatRecord(
          options.format,
          { slot: null, pid: process.pid, generation: null, stream: 'tutti' },
          Buffer.from(`${dropped} lines were dropped: the log could not be written fast enough.`),
          new Date(),
        ),
      onTrouble: (error) => this.#tell({ trouble: error.message, code: (error as NodeJS.ErrnoException).code ?? null }),
      onHealed: (lost) => this.#tell({ healed: true, lost }),
    });
    setInterval(() => this.#sink.tick(), 1000).unref();
  }

  /** Resolves when connections are taken, and the file is open or cannot be opened. */
  async start(): Promise<Opened> {
    await this.#listen(this.#options.socket);
    // A primary that died before it could connect is not coming.
    setTimeout(() => this.#onIdle(), FIRST_CONTACT_MS).unref();
    const late = new Promise<null>((resolve) => setTimeout(resolve, FIRST_OPEN_MS, null).unref());
    const error = await Promise.race([this.#sink.opened, late]);
    return { code: error?.code ?? null, message: error?.message ?? null };
  }

  async #listen(path: string): Promise<void> {
    const server = createServer((socket) => this.#onConnection(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    // An error later on, such as a connection that could not be taken, must not end the output of everybody.
    server.on('error', () => {});
    this.#server?.close();
    this.#server = server;
  }

  #onConnection(socket: Socket): void {
    socket.on('error', () => {}); // 'close' follows
    const stranger = setTimeout(() => socket.destroy(), GREETING_MS).unref();
    socket.once('data', (chunk: Buffer) => {
      clearTimeout(stranger);
      const end = chunk.indexOf(10);
      const hello = end < 0 ? null : parse<Hello>(chunk.subarray(0, end));
      // Not the primary: it knows the secret, and writes the greeting in one piece.
      if (hello?.secret !== this.#options.secret) {
        socket.destroy();
        return;
      }
      this.#open += 1;
      socket.once('close', () => this.#onClose());
      if (hello.role === 'control') this.#readControl(socket);
      else this.#readStream(socket, hello);
      if (end + 1 < chunk.length) socket.emit('data', chunk.subarray(end + 1));
    });
  }

  #readControl(socket: Socket): void {
    this.#primary = socket;
    for (const told of this.#untold.splice(0)) this.#tell(told);
    socket.once('close', () => {
      this.#primary = null;
      for (const id of this.#waiting.keys()) this.#release(id);
      this.#onIdle();
    });
    const splitter = new LineSplitter();
    socket.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) {
        const message = parse<LogOrder>(line);
        if (message !== null) this.#onControl(message);
      }
    });
  }

  #tell(told: LogReport): void {
    if (this.#primary === null) this.#untold.push(told);
    else this.#primary.write(`${JSON.stringify(told)}\n`);
  }

  #onControl(message: LogOrder): void {
    if ('reopen' in message) this.#sink.reopen();
    else if ('listen' in message) {
      this.#listen(message.listen).then(
        () => this.#tell({ listens: true }),
        () => this.#tell({ listens: false }),
      );
    } else if ('inspect' in message) {
      this.#opening.add(message.inspect);
      this.#tell({ awaits: message.inspect });
    } else if ('slot' in message) this.#slots.set(message.id, message.slot);
    else {
      this.#pids.set(message.id, message.pid);
      this.#release(message.id);
    }
  }

  #readStream(socket: Socket, hello: Hello & { role: 'stream' }): void {
    const { format } = this.#options;
    const splitter = new LineSplitter(format === 'raw' ? LONGEST_RAW_BYTES : LONGEST_LINE_BYTES);
    const early: { line: Buffer; isCut: boolean }[] = [];
    let earlySize = 0;
    let isEarly = format === 'json' && !this.#pids.has(hello.id);
    const origin = (): Origin => ({
      slot: this.#slots.get(hello.id) ?? hello.slot,
      pid: this.#pids.get(hello.id) ?? null,
      generation: hello.generation,
      stream: hello.stream,
    });
    // One buffer for each chunk that came: a flood of small ones outlives the young generation, and stays for long.
    let records: Buffer[] = [];
    const flush = (): void => {
      if (records.length > 0) this.#sink.write(Buffer.concat(records), records.length);
      records = [];
    };
    const put = (line: Buffer, isCut: boolean): void => {
      if (!isEarly) {
        records.push(formatRecord(format, origin(), line, new Date(), isCut));
        return;
      }
      early.push({ line, isCut });
      earlySize += line.length;
      if (earlySize > EARLY_BYTES) release();
    };
    const release = (): void => {
      isEarly = false;
      for (const { line, isCut } of early.splice(0)) put(line, isCut);
      flush();
    };
    if (isEarly) {
      const waiting = this.#waiting.get(hello.id) ?? new Set();
      this.#waiting.set(hello.id, waiting.add(release));
    }
    socket.on('data', (chunk: Buffer) => {
      const lines = splitter.push(chunk);
      for (const [i, whole] of lines.entries()) {
        const isCut = splitter.isCut && i === lines.length - 1;
        const line = hello.stream === 'err' && this.#opening.has(hello.id) ? this.#heard(hello.id, whole) : whole;
        if (line !== null) put(line, isCut);
      }
      flush();
    });
    this.#streams.set(hello.id, (this.#streams.get(hello.id) ?? 0) + 1);
    socket.once('close', () => this.#forget(hello.id));
    socket.once('end', () => {
      const rest = splitter.end();
      if (rest) put(rest, false);
      flush();
      release();
    });
  }

  /** One of its streams has closed. */
  #forget(id: number): void {
    const left = (this.#streams.get(id) ?? 0) - 1;
    if (left > 0) {
      this.#streams.set(id, left);
      return;
    }
    this.#streams.delete(id);
    this.#pids.delete(id);
    this.#slots.delete(id);
    this.#opening.delete(id);
  }

  /** What the application wrote of this line; what Node says of its inspector is for the primary. */
  #heard(id: number, whole: Buffer): Buffer | null {
    const { line, url } = hearInspector(whole);
    if (url !== null) this.#tell({ inspector: id, url });
    return line;
  }

  #release(id: number): void {
    for (const release of this.#waiting.get(id) ?? []) release();
    this.#waiting.delete(id);
  }

  #onClose(): void {
    this.#open -= 1;
    this.#onIdle();
  }

  #onIdle(): void {
    if (this.#primary !== null || this.#open > 0 || this.#ending) return;
    this.#ending = true;
    this.#server?.close();
    void this.#sink.end().then((isAll) => {
      // A write that never comes back holds a thread, and with it an orderly end.
      if (!isAll) process.kill(process.pid, 'SIGKILL');
    });
  }
}

/** Null for what is no message: whoever sent it is not to end the output of everybody. */
function parse<T>(line: Buffer): T | null {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === 'object' && value !== null ? (value as T) : null;
  } catch {
    return null;
  }
}

// A signal for the whole group or a service manager's TERM must not cut off the last lines of the workers; their end ends us.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
  process.on(signal, () => {});
// A primary that is gone before it has said what to do.
process.once('disconnect', () => process.exit());
process.once('message', (options: WriterOptions) => {
  process.removeAllListeners('disconnect');
  void new Writer(options).start().then((opened) => process.send?.(opened, () => process.disconnect?.()));
});
