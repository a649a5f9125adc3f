// Messages that an application sends to its node:cluster primary with process.send(). Under tutti nobody reads them, so each kind is reported
// once (primary).

/** An application that makes up kinds as it goes must not fill the log. */
const MOST_KINDS = 5;

/** The properties that packages put the name of a message into. */
const NAMES = ['topic', 'type', 'channel', 'source', 'event', 'cmd'] as const;

const KNOWN: Record<string, string> = {
  'log4js:message':
    'log4js sends its lines to a primary of node:cluster, and tutti has none that would write them: every line is lost. Put disableClustering: true into the configuration of log4js; each worker then writes its own lines',
  rate_limiter_flexible:
    'rate-limiter-flexible asks a primary of node:cluster, and tutti has none that would answer. Use its Redis or its memory limiter',
  memored:
    'memored asks a primary of node:cluster, and tutti has none that would answer. Use a store that all workers reach',
};

export class UnreadMessages {
  readonly #tell: (sentence: string) => void;
  readonly #told = new Set<string>();

  constructor(tell: (sentence: string) => void) {
    this.#tell = tell;
  }

  received(message: unknown): void {
    const kind = kindOf(message);
    if (this.#told.has(kind) || this.#told.size >= MOST_KINDS) return;
    this.#told.add(kind);
    this.#tell(
      KNOWN[kind] ??
        `the app sends messages (${kind}) to a primary of node:cluster; tutti has none that would read them. Workers reach each other through a store or a broker`,
    );
  }
}

function kindOf(message: unknown): string {
  if (typeof message === 'string') return JSON.stringify(message.slice(0, 40));
  if (typeof message !== 'object' || message === null) return typeof message;
  const record = message as Record<string, unknown>;
  for (const name of NAMES) {
    const value = record[name];
    if (typeof value === 'string' && value !== '') return value.slice(0, 40);
  }
  return `{ ${Object.keys(record).slice(0, 3).join(', ').slice(0, 40)} }`;
}
