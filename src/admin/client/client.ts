// Talks to one supervisor over its control socket. Runs in the CLI; loads node:http and nothing else.

import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { ControlPaths } from '../../files/state-folder.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import type { Incident } from '../../supervisor/vocabulary/incident.ts';
import type { RecordedEvent } from '../api/event-history.ts';
import type { LiveSample } from '../api/target.ts';
import { readToken } from '../server/token.ts';

export class AdminClientError extends Error {
  override readonly name = 'AdminClientError';
  /**
   * `gone`: nobody listens there. `timeout`: somebody does, and does not answer. `lost`: the connection broke, as when it
   * ends in this moment or has too many clients. `refused`: it answered with an error.
   */
  readonly kind: 'gone' | 'timeout' | 'lost' | 'refused';

  constructor(kind: 'gone' | 'timeout' | 'lost' | 'refused', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A live stream says something once a second; after five missed turns the supervisor stands still. */
const LIVE_SILENCE_MS = 5_000;

export class AdminClient {
  readonly name: string;
  readonly #paths: ControlPaths;

  constructor(name: string, paths: ControlPaths) {
    this.name = name;
    this.#paths = paths;
  }

  snapshot(timeoutMs = 5000): Promise<Snapshot> {
    return this.#json<Snapshot>('GET', '/v1/status', undefined, timeoutMs);
  }

  async recentEvents(timeoutMs = 5000): Promise<RecordedEvent[]> {
    const { events } = await this.#json<{ events: RecordedEvent[] }>('GET', '/v1/events/recent', undefined, timeoutMs);
    return events;
  }

  /** What happened last, or again last, first. */
  async incidents(timeoutMs = 5000): Promise<Incident[]> {
    const { incidents } = await this.#json<{ incidents: Incident[] }>('GET', '/v1/incidents', undefined, timeoutMs);
    return incidents;
  }

  /** Where the workers' output is written; null when it goes to no file. */
  async log(timeoutMs = 5000): Promise<{ file: string; format: string } | null> {
    const response = await this.#send('GET', '/v1/log', undefined, timeoutMs);
    const text = await textOf(response);
    if (response.statusCode === 404) return null;
    if (response.statusCode !== 200) throw refusal(text);
    return JSON.parse(text) as { file: string; format: string };
  }

  /** Resolves when the command has ended, which for a reload can take minutes. `signal` stops waiting, not the command. */
  command(
    verb: 'reload' | 'rollback' | 'scale' | 'recycle' | 'stop' | 'upgrade',
    body: object = {},
    signal?: AbortSignal,
  ): Promise<CommandResult> {
    return this.#json<CommandResult>('POST', `/v1/${verb}`, body, 0, signal);
  }

  /** A look into a living worker; resolves to the body of the answer. Rejects with the reason if there is none. */
  async inspect(what: 'profile' | 'stack' | 'heap', body: object): Promise<string> {
    const response = await this.#send('POST', `/v1/${what}`, body, 0);
    const text = await textOf(response);
    if (response.statusCode !== 200) throw refusal(text);
    return text;
  }

  /** Ends when the supervisor ends or `signal` aborts. Resolves once the stream is open, so that nothing after is missed. */
  async events(options: { history: boolean; signal: AbortSignal }): Promise<AsyncIterable<RecordedEvent>> {
    const path = options.history ? '/v1/events' : '/v1/events?history=0';
    return this.#stream<RecordedEvent>(path, options.signal);
  }

  /** What a display needs, about once a second and when something happens. Ends like `events`, and when nothing comes for five seconds. */
  live(signal: AbortSignal): Promise<AsyncIterable<LiveSample | RecordedEvent>> {
    return this.#stream<LiveSample | RecordedEvent>('/v1/live', signal, LIVE_SILENCE_MS);
  }

  async #stream<T>(path: string, signal: AbortSignal, silenceMs = 0): Promise<AsyncIterable<T>> {
    const response = await this.#send('GET', path, undefined, 5000, signal);
    if (response.statusCode !== 200) throw refusal(await textOf(response));
    // A supervisor that is stopped keeps the connection, and what it showed last would look like the present.
    if (silenceMs > 0) response.setTimeout(silenceMs, () => response.destroy(new Error('silent')));
    return readMessages<T>(response);
  }

  async #json<T>(
    method: string,
    path: string,
    body: object | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<T> {
    const response = await this.#send(method, path, body, timeoutMs, signal);
    const text = await textOf(response);
    const parsed: unknown = parseOrNull(text);
    if (typeof parsed !== 'object' || parsed === null || 'error' in parsed) throw refusal(text);
    return parsed as T;
  }

  #send(
    method: string,
    path: string,
    body: object | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = { connection: 'close' };
    if (text !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(Buffer.byteLength(text));
      const token = readToken(this.#paths.token);
      if (token !== null) headers.authorization = `Bearer ${token}`;
    }
    return new Promise((resolve, reject) => {
      const sent = request({
        socketPath: this.#paths.socket,
        method,
        path,
        headers,
        agent: false,
        ...(signal && { signal }),
      });
      const timer =
        timeoutMs === 0
          ? undefined
          : setTimeout(() => {
              reject(new AdminClientError('timeout', `${this.name} did not answer within ${timeoutMs} ms`));
              sent.destroy();
            }, timeoutMs);
      sent.on('response', (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        const kind = error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? 'gone' : 'lost';
        reject(new AdminClientError(kind, `${this.name} does not answer: ${error.message}`));
      });
      sent.end(text);
    });
  }
}

/** Skips what is no message of ours, such as the note of a gap. */
async function* readMessages<T>(response: IncomingMessage): AsyncIterable<T> {
  response.on('error', () => {});
  try {
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (!line.startsWith('data: ')) continue;
      const message = parseOrNull(line.slice('data: '.length));
      const known = typeof message === 'object' && message !== null && ('event' in message || 'snapshot' in message);
      if (known) yield message as T;
    }
  } catch {
    // Cut off: the supervisor died, or the caller aborted. For a reader both are the end of the stream.
  } finally {
    response.destroy();
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new AdminClientError('lost', `The answer was cut off: ${String(error)}`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(text: string): AdminClientError {
  const parsed = parseOrNull(text);
  const error =
    typeof parsed === 'object' && parsed !== null ? (parsed as { error?: { message?: unknown } }).error : null;
  return new AdminClientError(
    'refused',
    typeof error?.message === 'string' ? error.message : `unexpected answer: ${text}`,
  );
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: whoever asks treats it like a wrong answer.
    return null;
  }
}
