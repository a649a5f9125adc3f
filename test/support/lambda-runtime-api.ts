// What a function sees of AWS Lambda: the Runtime API and the registration of extensions, over HTTP on a port of its own. It hands out
// invocations, keeps their time, and notes what is answered. `npm run test:lambda` lets AWS's own client say whether it is right.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, within } from './eventually.ts';

export interface Failure {
  errorType: string;
  errorMessage: string;
}

/** What came of an invocation. `timeout`: nothing in time; Lambda would have ended the environment. */
export type Outcome =
  | { type: 'response'; headers: IncomingHttpHeaders; body: Buffer; trailers: NodeJS.Dict<string>; afterMs: number }
  | { type: 'error'; failure: Failure; headers: IncomingHttpHeaders; afterMs: number }
  | { type: 'timeout' };

export interface InvokeOptions {
  timeoutMs?: number;
  /** Lambda gives none; a test on a busy machine may. */
  graceMs?: number;
  headers?: Record<string, string>;
}

interface Invocation {
  id: string;
  event: unknown;
  options: InvokeOptions;
  begin(): void;
  end(outcome: Outcome): void;
}

/** Of a result that is not streamed. */
const MOST_BYTES = 6 * 1024 * 1024 + 100;

export class LambdaRuntimeApi implements AsyncDisposable {
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #queue: Invocation[] = [];
  readonly #waiting: ServerResponse[] = [];
  readonly #running = new Map<string, { invocation: Invocation; startedAt: number }>();
  readonly #meeting: ServerResponse[] = [];
  /** Names of the extensions that have registered. */
  readonly extensions: string[] = [];
  initError: Failure | null = null;
  /** How many invocations ran at the same time at most. */
  mostAtOnce = 0;

  static async start(): Promise<LambdaRuntimeApi> {
    const api = new LambdaRuntimeApi();
    await new Promise<void>((done) => api.#server.listen(0, '127.0.0.1', done));
    return api;
  }

  /** AWS_LAMBDA_RUNTIME_API */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many `next` wait now. */
  get asking(): number {
    return this.#waiting.length;
  }

  /** How many requests of the application wait for others. */
  get meeting(): number {
    return this.#meeting.length;
  }

  letGo(): void {
    for (const each of this.#meeting.splice(0)) each.end();
  }

  /** The init phase is over when the runtime asks for its first invocation; with managed instances, for all it can take. */
  async untilAsked(count = 1, deadlineMs = 60_000): Promise<void> {
    await eventually(`${count} calls of next`, () => this.asking === count || this.initError !== null, { deadlineMs });
    assert.equal(this.initError, null);
  }

  /** Its time begins when the runtime takes it. */
  async invoke(event: unknown, options: InvokeOptions = {}): Promise<Outcome> {
    const timeoutMs = options.timeoutMs ?? 60_000;
    const id = randomUUID();
    const outcome = new Promise<Outcome>((done) => {
      let timer: NodeJS.Timeout | undefined;
      const begin = () => {
        timer = setTimeout(() => end({ type: 'timeout' }), timeoutMs + (options.graceMs ?? 0));
      };
      const end = (outcome: Outcome) => {
        clearTimeout(timer);
        this.#running.delete(id);
        done(outcome);
      };
      this.#queue.push({ id, event, options: { ...options, timeoutMs }, begin, end });
    });
    this.#handOut();
    return within('the invocation to end', outcome, timeoutMs + 90_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #handOut(): void {
    while (this.#queue.length > 0 && this.#waiting.length > 0) {
      const invocation = this.#queue.shift();
      const response = this.#waiting.shift();
      if (invocation === undefined || response === undefined) return;
      const { id, event, options } = invocation;
      this.#running.set(id, { invocation, startedAt: performance.now() });
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#running.size);
      invocation.begin();
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Lambda-Runtime-Aws-Request-Id': id,
        'Lambda-Runtime-Deadline-Ms': String(Date.now() + (options.timeoutMs ?? 0)),
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:eu-central-1:123456789012:function:web',
        ...options.headers,
      });
      response.end(JSON.stringify(event));
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(`http://lambda${request.url}`);
    const [, , first = '', second = '', third = ''] = pathname.split('/');
    if (pathname === '/meet') return this.#come(Number(searchParams.get('of')), response);
    if (request.method === 'GET' && pathname === '/2018-06-01/runtime/invocation/next') {
      this.#waiting.push(response);
      response.on('close', () => {
        const at = this.#waiting.indexOf(response);
        if (at !== -1) this.#waiting.splice(at, 1);
      });
      return this.#handOut();
    }
    if (request.method === 'GET' && pathname === '/2020-01-01/extension/event/next') {
      assert.ok(request.headers['lambda-extension-identifier']);
      return; // there are no events for an internal extension
    }
    const body = await wholeOf(request);
    if (body === null) return;
    if (pathname === '/2020-01-01/extension/register') {
      this.extensions.push(String(request.headers['lambda-extension-name']));
      response.writeHead(200, { 'Lambda-Extension-Identifier': randomUUID() }).end('{}');
    } else if (pathname === '/2018-06-01/runtime/init/error') {
      this.initError = JSON.parse(body.toString());
      accept(response);
    } else if (first === 'runtime' && second === 'invocation') {
      this.#answer(third, pathname.endsWith('/error'), request, body, response);
    } else {
      response.writeHead(404).end();
    }
  }

  #answer(id: string, isError: boolean, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const running = this.#running.get(id);
    if (running === undefined) {
      refuse(response, 400, 'InvalidRequestID', 'Invalid request ID');
      return;
    }
    const { headers, trailers } = request;
    const { invocation, startedAt } = running;
    const afterMs = performance.now() - startedAt;
    if (isError) {
      accept(response);
      invocation.end({ type: 'error', failure: JSON.parse(body.toString()), headers, afterMs });
      return;
    }
    if (headers['lambda-runtime-function-response-mode'] !== 'streaming' && body.length > MOST_BYTES) {
      refuse(response, 413, 'RequestEntityTooLarge', `Exceeded maximum allowed payload size (${MOST_BYTES} bytes).`);
      const failure = { errorType: 'Function.ResponseSizeTooLarge', errorMessage: '' };
      invocation.end({ type: 'error', failure, headers, afterMs });
      return;
    }
    accept(response);
    invocation.end({ type: 'response', headers, body, trailers, afterMs });
  }

  /** Where requests of the application meet: each is answered when so many have come. */
  #come(of: number, response: ServerResponse): void {
    this.#meeting.push(response);
    if (this.#meeting.length >= of) this.letGo();
  }
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}\n');
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ errorType, errorMessage }));
}

/** Null where it was broken off. */
async function wholeOf(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}
