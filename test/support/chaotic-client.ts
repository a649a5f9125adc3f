// A client that does to a server what real ones do at their worst: random bodies, several requests at once, heads that arrive in
// pieces, pauses, connections that break off. It knows byte for byte what it must get back.

import { randomBytes, randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { readAnswer } from './raw-answer.ts';

export interface Trouble {
  code: string;
  /** The process that answered last on this connection. */
  pid: number | null;
  /** performance.now() when it was seen. */
  at: number;
  answered: number;
}

export interface ChaosTally {
  requests: number;
  connections: number;
  abandoned: number;
  /** Requests answered by another process than the one before on the same connection. */
  moved: number;
  troubles: Trouble[];
}

export interface ChaosOptions {
  port: number;
  /** Chooses the client's address in 127.0.0.0/8. */
  address?: () => string;
  stopped: () => boolean;
  timeoutMs?: number;
  /** Most requests of one connection. */
  most?: number;
}

/** Goes on until `stopped`, on one connection after the other. */
export async function runChaoticClient(options: ChaosOptions, tally: ChaosTally): Promise<void> {
  while (!options.stopped()) {
    const connection = new ChaoticConnection(options);
    tally.connections += 1;
    try {
      await connection.run(tally);
    } catch (error) {
      const { pid, answered } = connection;
      tally.troubles.push({ code: (error as Error).message, pid, answered, at: performance.now() });
    } finally {
      connection.close();
    }
  }
}

class ChaoticConnection {
  pid: number | null = null;
  answered = 0;
  readonly #socket: Socket;
  readonly #options: ChaosOptions;
  #received: Buffer = Buffer.alloc(0);
  #over: string | null = null;
  #wake: () => void = () => {};

  constructor(options: ChaosOptions) {
    this.#options = options;
    const localAddress = options.address?.();
    this.#socket = connect({
      port: options.port,
      host: '127.0.0.1',
      noDelay: true,
      ...(localAddress && { localAddress }),
    });
    const end = (code: string) => {
      this.#over ??= code;
      this.#wake();
    };
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
    this.#socket.on('close', () => end('closed'));
  }

  close(): void {
    this.#socket.destroy();
  }

  async run(tally: ChaosTally): Promise<void> {
    for (let left = randomInt(1, this.#options.most ?? 6); left > 0 && !this.#options.stopped(); left -= 1) {
      const bodies = Array.from({ length: randomInt(8) === 0 ? randomInt(2, 5) : 1 }, () =>
        randomBytes(randomInt(3000)),
      );
      const text = bodies.map((body) => [
        Buffer.from(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`),
        body,
      ]);
      const bytes = Buffer.concat(text.flat());
      const cut = randomInt(6) === 0 ? randomInt(bytes.length) : bytes.length;
      this.#socket.write(bytes.subarray(0, cut));
      if (randomInt(60) === 0) {
        // In the middle of whatever happens to it.
        tally.abandoned += 1;
        return;
      }
      if (cut < bytes.length) {
        await delay(randomInt(15));
        this.#socket.write(bytes.subarray(cut));
      }
      for (const body of bodies) {
        const before = this.pid;
        const answer = await this.#answer();
        if (!answer.equals(body)) throw new Error('corrupt');
        tally.requests += 1;
        if (before !== null && before !== this.pid) tally.moved += 1;
      }
      if (randomInt(3) === 0) await delay(randomInt(30));
    }
  }

  async #answer(): Promise<Buffer> {
    const deadline = performance.now() + (this.#options.timeoutMs ?? 30_000);
    for (;;) {
      const read = readAnswer(this.#received);
      if (read === 'corrupt') throw new Error(read);
      if (read !== null) {
        const { status, body, pid } = read.answer;
        if (status !== 200) throw new Error(`status ${status}`);
        this.#received = read.rest;
        this.pid = pid;
        this.answered += 1;
        return body;
      }
      if (this.#over !== null) throw new Error(this.#over);
      if (performance.now() > deadline) throw new Error('hung');
      await Promise.race([
        new Promise<void>((wake) => {
          this.#wake = wake;
        }),
        delay(1000, undefined, { ref: false }),
      ]);
    }
  }
}
