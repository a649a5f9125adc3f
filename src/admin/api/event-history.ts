// The last events of a supervisor, numbered, for clients that come later or come back. Runs in the primary.

import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';

export interface RecordedEvent {
  /** `<life>.<number>`: a number alone would mean something else after the supervisor was started anew. */
  id: string;
  /** ISO 8601. */
  at: string;
  event: SupervisorEvent;
}

interface Entry {
  record: RecordedEvent;
  /** In this life; 0: of a supervisor before. */
  number: number;
  bytes: number;
}

export interface EventHistoryOptions {
  maxEvents: number;
  maxBytes: number;
  now: () => Date;
}

export class EventHistory {
  /** Tells two lives apart, and is no secret. */
  readonly #life = Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  readonly #entries: Entry[] = [];
  readonly #listeners = new Set<(record: RecordedEvent) => void>();
  readonly #options: EventHistoryOptions;
  #count = 0;
  #bytes = 0;

  /** `past`: what a supervisor before this one has recorded. */
  constructor(
    past: readonly RecordedEvent[] = [],
    options: EventHistoryOptions = { maxEvents: 500, maxBytes: 256 * 1024, now: () => new Date() },
  ) {
    this.#options = options;
    for (const record of past) this.#keep({ record, number: 0 });
  }

  add(event: SupervisorEvent): void {
    this.#count += 1;
    const record = { id: `${this.#life}.${this.#count}`, at: this.#options.now().toISOString(), event };
    this.#keep({ record, number: this.#count });
    for (const listener of this.#listeners) listener(record);
  }

  #keep(entry: Omit<Entry, 'bytes'>): void {
    const bytes = JSON.stringify(entry.record).length;
    this.#entries.push({ ...entry, bytes });
    this.#bytes += bytes;
    while (this.#entries.length > this.#options.maxEvents || this.#bytes > this.#options.maxBytes) {
      this.#bytes -= this.#entries.shift()?.bytes ?? 0;
    }
  }

  /** What came after `id`, and how many of those are forgotten already. All that is left when `id` is of a life of which nothing is known. */
  since(id: string | null): { events: RecordedEvent[]; missed: number } {
    const past = this.#entries.findIndex(({ record, number }) => number === 0 && record.id === id);
    if (past >= 0) return { events: this.#entries.slice(past + 1).map(({ record }) => record), missed: 0 };
    const [life, text] = (id ?? '').split('.');
    const seen = life === this.#life && text !== undefined ? Number(text) : Number.NaN;
    const events = this.#entries.filter((entry) => !(entry.number <= seen)).map((entry) => entry.record);
    const first = this.#entries.find(({ number }) => number > 0)?.number ?? this.#count + 1;
    return { events, missed: Number.isInteger(seen) ? Math.max(0, first - seen - 1) : 0 };
  }

  /** Calls `listener` with every event from now on, until the returned function is called. */
  subscribe(listener: (record: RecordedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
