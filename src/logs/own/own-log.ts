// tutti's own lines, on stderr (primary). For people: the events that matter, as sentences; repeated trouble is summarised, so that a
// crash loop does not flood the log. For programs: every event, as one line of JSON.

import { createColors } from 'picocolors';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import { RateLimiter } from './rate-limiter.ts';
import { type Level, sentence } from './sentences.ts';
import { oneLine, ownLines } from './visible.ts';

export interface OwnLogOptions {
  write: (text: string) => void;
  format: 'plain' | 'json';
  color: boolean;
  /** Each line begins with the time: for a file, to which nobody else adds it. */
  timed?: boolean;
  name: string;
  /** Wall clock, for the time in the lines. */
  clock: () => Date;
}

/** Of one kind of trouble, this many lines a minute are enough to see it. */
const damping = { most: 10, windowMs: 60_000 };

/** What a crash loop, or a storm of kills, repeats. Everything else happens at the pace of operators. */
const repeating: readonly SupervisorEvent['type'][] = [
  'worker-ready',
  'worker-spare',
  'worker-exit',
  'requests-replayed',
  'worker-restart',
  'worker-faulty',
  'worker-suspect',
  'worker-recovered',
  'worker-drained',
  'slot-broken',
  'circuit',
  'listening',
  'ports-closed',
  'slot-ports-closed',
  'slot-port-refused',
  'recycled',
  'held-back',
  'throttled',
  'out-of-memory',
  'output-lost',
  'output-restored',
  'notice',
];

export class OwnLog {
  readonly #options: OwnLogOptions;
  readonly #limiter: RateLimiter;
  readonly #colors;
  readonly #marks: Record<Level, (text: string) => string>;

  constructor(options: OwnLogOptions, most: number = damping.most) {
    this.#options = options;
    this.#limiter = new RateLimiter({ ...damping, most });
    this.#colors = createColors(options.color);
    const { dim, yellow, red } = this.#colors;
    this.#marks = { debug: dim, info: (text) => text, warn: yellow, error: red };
  }

  event(event: SupervisorEvent): void {
    const { level, text, quoted } = sentence(event);
    if (this.#options.format === 'json') {
      this.#json({ ...event, level, message: text });
      return;
    }
    if (level === 'debug') return;
    const passage = repeating.includes(event.type)
      ? this.#limiter.ask(kindOf(event), this.#options.clock().getTime())
      : ({ pass: true, heldBefore: 0, isLast: false } as const);
    if (!passage.pass) return;
    const before = passage.heldBefore > 0 ? ` (and ${passage.heldBefore} lines like this one before)` : '';
    const after = passage.isLast ? ' (more like this within the minute will only be counted)' : '';
    this.#line(level, `${text}${before}${after}`);
    for (const line of quoted) this.#options.write(`${this.#colors.dim(`    ${oneLine(line)}`)}\n`);
  }

  /** A line of text that is no event. In JSON it becomes a notice. */
  line(level: Level, text: string): void {
    if (this.#options.format === 'plain') this.#line(level, text);
    else this.#json({ type: 'notice', level, message: text });
  }

  #line(level: Level, text: string): void {
    const { write, timed, clock } = this.#options;
    const time = timed === true ? `${clock().toISOString()} ` : '';
    write(`${this.#colors.dim(`${time}tutti:`)} ${this.#marks[level](ownLines(text))}\n`);
  }

  #json(value: object): void {
    const { name, clock } = this.#options;
    this.#options.write(`${JSON.stringify({ at: clock().toISOString(), app: name, ...value })}\n`);
  }
}

function kindOf(event: SupervisorEvent): string {
  if (event.type === 'worker-exit') return `${event.type} ${event.reason}`;
  if (event.type === 'notice') return `${event.type} ${event.message}`;
  if (event.type === 'circuit') return `${event.type} ${event.state}`;
  return event.type;
}
