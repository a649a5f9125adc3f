// One line of output and how it is written. Used by the log process, which writes, and by `tutti logs`, which reads.

export interface LogRecord {
  /** ISO 8601, when the log process read the end of the line. */
  time: string;
  /** null: a spare, or the supervisor itself. */
  slot: number | null;
  pid: number | null;
  generation: number | null;
  stream: 'out' | 'err' | 'tutti';
  line: string;
  /** The line is too long for one record: it goes on in the next of the same pid and stream. */
  partial?: true;
}

export type LogFormat = 'pretty' | 'json' | 'raw';

/** Whose line it is. */
export type Origin = Omit<LogRecord, 'time' | 'line' | 'partial'>;

/**
 * The bytes of one line in a file or on stdout, with its newline. `raw` gives the line as the worker wrote it, so a piece of one that
 * was cut has none.
 */
export function formatRecord(format: LogFormat, origin: Origin, line: Buffer, now: Date, isCut = false): Buffer {
  if (format === 'raw') return isCut ? line : Buffer.concat([line, newline]);
  if (format === 'json') {
    const record: LogRecord = { time: now.toISOString(), ...origin, line: line.toString('utf8') };
    if (isCut) record.partial = true;
    return Buffer.from(`${JSON.stringify(record)}\n`);
  }
  return Buffer.concat([Buffer.from(`${now.toISOString()} [${label(origin)}] `), line, newline]);
}

const newline = Buffer.from('\n');

/** `0` for a line of slot 0's stdout, `0!` for its stderr, `tutti` for the supervisor's own. */
function label({ slot, stream }: Origin): string {
  if (stream === 'tutti') return 'tutti';
  return `${slot ?? 'spare'}${stream === 'err' ? '!' : ''}`;
}

const prettyLine = /^(\S+) \[(tutti|(?:\d+|spare)!?)\] (.*)$/s;

/** Reads a line of a log file in whichever format it was written; what tells nothing of itself comes back as a bare line. */
export function parseRecord(text: string): LogRecord {
  if (text.startsWith('{')) {
    try {
      const record: LogRecord = JSON.parse(text);
      if (typeof record.line === 'string' && typeof record.stream === 'string') return record;
    } catch {
      // a raw log may hold lines that begin like JSON
    }
  }
  const pretty = prettyLine.exec(text);
  if (!pretty) return { time: '', slot: null, pid: null, generation: null, stream: 'out', line: text };
  const [, time = '', name = '', line = ''] = pretty;
  const stream = name === 'tutti' ? 'tutti' : name.endsWith('!') ? 'err' : 'out';
  const slot = /^\d+/.test(name) ? Number.parseInt(name, 10) : null;
  return { time, slot, pid: null, generation: null, stream, line };
}
