// The client of Lambda's Runtime API (version 2018-06-01): takes invocations, and tells what came of them. Each call has a connection of
// its own: one that was kept may have died while the environment was frozen, and an answer cannot be sent twice. Runs in the primary.

import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { TuttiError } from '../../errors.ts';
import type { InvocationFacts } from '../translate/request.ts';

export interface Invocation extends InvocationFacts {
  event: unknown;
}

/** How a failure is told to Lambda. */
export interface Failure {
  errorType: string;
  errorMessage: string;
  stackTrace: readonly string[];
}

/** A response that is sent as it comes. */
export interface ResponseStream {
  /** Kept when more can be taken; rejects when nobody takes it any more. */
  write(chunk: Buffer): Promise<void>;
  /** Kept when Lambda has all of it, or has been told why there is no more. */
  end(failure?: Failure): Promise<void>;
}

const errorTypeHeader = 'Lambda-Runtime-Function-Error-Type';
const errorBodyHeader = 'Lambda-Runtime-Function-Error-Body';

export class RuntimeApi {
  readonly #host: string;
  readonly #port: string;

  /** `address`: host:port, as AWS_LAMBDA_RUNTIME_API has it. */
  constructor(address: string | undefined) {
    if (!address || !URL.canParse(`http://${address}`)) {
      throw new TuttiError('ERR_LAMBDA_API', { reason: 'AWS_LAMBDA_RUNTIME_API must be set to host:port' });
    }
    const url = new URL(`http://${address}`);
    this.#host = url.hostname.replace(/^\[|\]$/g, '');
    this.#port = url.port || '80';
  }

  /** Waits for the next invocation, for as long as it takes. Rejects with the reason of `signal`. */
  async next(signal: AbortSignal): Promise<Invocation> {
    const call = this.#call('GET', '/2018-06-01/runtime/invocation/next', {}, signal);
    call.end();
    const { status, response, body } = await answered(call);
    if (status !== 200) throw refused('GET invocation/next', status, body);
    const header = (name: string) => response.headers[name]?.toString() ?? null;
    return {
      requestId: header('lambda-runtime-aws-request-id') ?? '',
      deadlineMs: Number(header('lambda-runtime-deadline-ms') ?? Number.NaN),
      functionArn: header('lambda-runtime-invoked-function-arn') ?? '',
      traceId: header('lambda-runtime-trace-id'),
      tenantId: header('lambda-runtime-aws-tenant-id'),
      clientContext: parsed(header('lambda-runtime-client-context')),
      identity: parsed(header('lambda-runtime-cognito-identity')),
      event: parsed(body),
    };
  }

  async respond(requestId: string, json: string): Promise<void> {
    await this.#post(`/2018-06-01/runtime/invocation/${requestId}/response`, json);
  }

  stream(requestId: string): ResponseStream {
    const call = this.#call('POST', `/2018-06-01/runtime/invocation/${requestId}/response`, {
      'Content-Type': 'application/vnd.awslambda.http-integration-response',
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: [errorTypeHeader, errorBodyHeader],
    });
    const done = answered(call);
    // Whoever writes hears of it.
    done.catch(() => {});
    return {
      write: async (chunk) => {
        if (call.destroyed) await done;
        if (call.write(chunk)) return;
        await Promise.race([new Promise((resume) => call.once('drain', resume)), done]);
      },
      end: async (failure) => {
        if (failure !== undefined) {
          call.addTrailers({
            [errorTypeHeader]: failure.errorType,
            [errorBodyHeader]: Buffer.from(JSON.stringify(failure)).toString('base64'),
          });
        }
        call.end();
        const { status, body } = await done;
        if (status >= 300) throw refused('POST response', status, body);
      },
    };
  }

  async fail(requestId: string, failure: Failure): Promise<void> {
    await this.#postFailure(`/2018-06-01/runtime/invocation/${requestId}/error`, failure);
  }

  async failInit(failure: Failure): Promise<void> {
    await this.#postFailure('/2018-06-01/runtime/init/error', failure);
  }

  /**
   * Registers as an internal extension, without events: only where there is one does Lambda send SIGTERM before the end. Kept with a call
   * that lasts until the end, or rejects where there are no extensions.
   */
  async registerExtension(name: string, signal: AbortSignal): Promise<void> {
    const call = this.#call('POST', '/2020-01-01/extension/register', { 'Lambda-Extension-Name': name }, signal);
    call.end('{"events":[]}');
    const { status, response, body } = await answered(call);
    const id = response.headers['lambda-extension-identifier']?.toString();
    if (status !== 200 || id === undefined) throw refused('POST extension/register', status, body);
    const next = this.#call('GET', '/2020-01-01/extension/event/next', { 'Lambda-Extension-Identifier': id }, signal);
    next.end();
    answered(next).catch(() => {});
  }

  async #postFailure(path: string, failure: Failure): Promise<void> {
    await this.#post(path, JSON.stringify(failure), {
      [errorTypeHeader]: failure.errorType,
      'Content-Type': 'application/vnd.aws.lambda.error+json',
    });
  }

  async #post(path: string, text: string, headers: Record<string, string> = {}): Promise<void> {
    const body = Buffer.from(text);
    const type = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) };
    const call = this.#call('POST', path, { ...type, ...headers });
    call.end(body);
    const { status, body: answer } = await answered(call);
    if (status >= 300) throw refused(`POST ${path.split('/').slice(3).join('/')}`, status, answer);
  }

  #call(method: string, path: string, headers: Record<string, string | string[]>, signal?: AbortSignal): ClientRequest {
    const where = { host: this.#host, port: this.#port, method, path, headers, agent: false as const };
    return request({ ...where, ...(signal === undefined ? {} : { signal }) });
  }
}

interface Answered {
  status: number;
  response: IncomingMessage;
  body: string;
}

function answered(call: ClientRequest): Promise<Answered> {
  return new Promise((done, fail) => {
    call.on('error', fail);
    call.on('close', () => fail(new Error('the connection was closed without an answer')));
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () =>
        done({ status: response.statusCode ?? 0, response, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
  });
}

function refused(what: string, status: number, body: string): Error {
  return new TuttiError('ERR_LAMBDA_API', { reason: `the Runtime API answered ${what} with ${status} ${body.trim()}` });
}

/** What is no JSON stays text. */
function parsed(text: string | null): unknown {
  if (text === null || text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
