// What a primary said, line by line: its events (JSON lines), in order, and everything else as text.

import { within } from './eventually.ts';

export interface RigEvent {
  type: string;
  pid?: number | null;
  slot?: number | null;
  generation?: number;
  reason?: string;
  lastLines?: readonly string[];
  [key: string]: unknown;
}

type Match = string | ((event: RigEvent) => boolean);

export class EventLog {
  readonly #events: RigEvent[] = [];
  readonly #text: string[] = [];
  readonly #rest = { stdout: '', stderr: '' };
  readonly #waiting = new Set<() => void>();
  #ended: string | null = null;

  get length(): number {
    return this.#events.length;
  }

  all(type?: string): RigEvent[] {
    return type === undefined ? [...this.#events] : this.#events.filter((event) => event.type === type);
  }

  /** Every line that is no event. */
  text(): readonly string[] {
    return this.#text;
  }

  lines(): string[] {
    return this.#events.map((event) => JSON.stringify(event));
  }

  read(from: 'stdout' | 'stderr', chunk: string): void {
    const lines = (this.#rest[from] + chunk).split('\n');
    this.#rest[from] = lines.pop() ?? '';
    for (const line of lines) {
      const event = parse(line);
      if (event) this.#events.push(event);
      else this.#text.push(line);
    }
    this.#wake();
  }

  end(reason: string): void {
    this.#ended = reason;
    this.#wake();
  }

  /** The first event since `from` (an earlier `length`) that matches, past or to come. */
  async waitFor(match: Match, { from = 0, deadlineMs = 60_000 } = {}): Promise<RigEvent> {
    const test = typeof match === 'string' ? (event: RigEvent) => event.type === match : match;
    const what = typeof match === 'string' ? match : `an event with ${match.toString().replace(/^[^>]*=>\s*/, '')}`;
    return within(what, this.#find(test, from, what), deadlineMs);
  }

  /** Pids of workers that came online and have not exited. */
  workers(): number[] {
    return this.#pids((alive, { type, pid }) => {
      if (typeof pid !== 'number') return;
      if (type === 'worker-online' || type === 'worker-ready') alive.add(pid);
      if (type === 'worker-exit') alive.delete(pid);
    });
  }

  /** Pids of workers that are ready and not on their way out. */
  ready(): number[] {
    return this.#pids((alive, { type, pid }) => {
      if (typeof pid !== 'number') return;
      if (type === 'worker-ready') alive.add(pid);
      if (type === 'worker-exit' || type === 'worker-draining') alive.delete(pid);
    });
  }

  #pids(step: (alive: Set<number>, event: RigEvent) => void): number[] {
    const alive = new Set<number>();
    for (const event of this.#events) step(alive, event);
    return [...alive];
  }

  async #find(test: (event: RigEvent) => boolean, from: number, what: string): Promise<RigEvent> {
    for (let next = from; ; ) {
      for (; next < this.#events.length; next += 1) {
        const event = this.#events[next];
        if (event && test(event)) return event;
      }
      if (this.#ended !== null) throw new Error(`${this.#ended} before ${what}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function parse(line: string): RigEvent | null {
  if (!line.startsWith('{')) return null;
  try {
    const value = JSON.parse(line) as RigEvent;
    return typeof value.type === 'string' ? value : null;
  } catch {
    return null;
  }
}
