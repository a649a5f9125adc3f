// An invocation event as the HTTP request that the client sent. Pure; in the primary of `tutti lambda`.

import { canStream, type EventKind, type Fields, fieldsOf, isFilled, kindOf } from './event.ts';
import { asciiJson, type Header, isHopByHop, wireValue } from './header-text.ts';
import { targetOf } from './target.ts';

/** What the Runtime API says of an invocation beside its event. */
export interface InvocationFacts {
  requestId: string;
  /** Unix time at which Lambda gives up. */
  deadlineMs: number;
  functionArn: string;
  traceId: string | null;
  tenantId: string | null;
  clientContext: unknown;
  identity: unknown;
}

export interface TranslationOptions {
  /** Normal form: `/prod`, or empty. */
  basePath: string;
  /** Where events go that are no HTTP request. */
  eventsPath: string;
  /** Lambda's own variables. */
  env: Readonly<Record<string, string | undefined>>;
}

export interface HttpRequest {
  kind: EventKind;
  method: string;
  target: string;
  /** Lower-case names; values for the wire. Complete: nothing has to be added. */
  headers: readonly Header[];
  body: Buffer | null;
  /** Whether the response can be streamed. */
  streams: boolean;
}

/** Headers that the function vouches for: a client cannot send them. */
const ownHeaders = ['x-amzn-request-context', 'x-amzn-lambda-context', 'x-amz-tenant-id'];
/** The body here is whole, and nobody waits for a go-ahead. */
const ofTransfer = ['content-length', 'expect'];

const withoutBody = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'];

export function requestOf(event: unknown, facts: InvocationFacts, options: TranslationOptions): HttpRequest {
  const kind = kindOf(event);
  const fields = fieldsOf(event);
  const context: Header[] = [
    ...(fields.requestContext === undefined
      ? []
      : ([['x-amzn-request-context', asciiJson(fields.requestContext)]] as const)),
    ['x-amzn-lambda-context', asciiJson(lambdaContext(facts, options.env))],
    ...(facts.tenantId === null ? [] : ([['x-amz-tenant-id', wireValue(facts.tenantId)]] as const)),
    ...(facts.traceId === null ? [] : ([['x-amzn-trace-id', wireValue(facts.traceId)]] as const)),
  ];
  if (kind === 'other') {
    const body = Buffer.from(JSON.stringify(event ?? null));
    const type: Header[] = [
      ['host', 'localhost'],
      ['content-type', 'application/json'],
    ];
    return {
      kind,
      method: 'POST',
      target: options.eventsPath,
      headers: [...type, ...context, ['content-length', String(body.length)]],
      body,
      streams: false,
    };
  }
  const method = String(kind === 'http' ? fieldsOf(fieldsOf(fields.requestContext).http).method : fields.httpMethod);
  const body = bodyOf(fields);
  const given = headersOf(fields).filter(
    ([name]) =>
      !isHopByHop(name) &&
      !ofTransfer.includes(name) &&
      !ownHeaders.includes(name) &&
      !(name === 'x-amzn-trace-id' && facts.traceId !== null),
  );
  const length: Header[] =
    body !== null
      ? [['content-length', String(body.length)]]
      : withoutBody.includes(method)
        ? []
        : [['content-length', '0']];
  const host: Header[] = given.some(([name]) => name === 'host') ? [] : [['host', 'localhost']];
  return {
    kind,
    method,
    target: targetOf(fields, kind, options.basePath),
    headers: [...host, ...given, ...context, ...length],
    body,
    streams: canStream(fields, kind),
  };
}

function headersOf(fields: Fields): Header[] {
  const multi = fieldsOf(fields.multiValueHeaders);
  const headers = Object.entries(isFilled(multi) ? multi : fieldsOf(fields.headers)).flatMap(([name, values]) =>
    [values]
      .flat()
      .filter((value) => value !== null && value !== undefined)
      .map((value): Header => [name.toLowerCase(), wireValue(String(value))]),
  );
  // A function URL has cookies in both places.
  const listed = Array.isArray(fields.cookies) && fields.cookies.length > 0 ? fields.cookies.map(String) : null;
  const cookies = listed?.map(wireValue) ?? headers.filter(([name]) => name === 'cookie').map(([, value]) => value);
  const others = headers.filter(([name]) => name !== 'cookie');
  return cookies.length === 0 ? others : [...others, ['cookie', cookies.join('; ')]];
}

function bodyOf({ body, isBase64Encoded }: Fields): Buffer | null {
  if (typeof body !== 'string') return null;
  return Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8');
}

/** In the form that the Lambda Web Adapter has, so that programs written for it find what they know. */
function lambdaContext(facts: InvocationFacts, env: TranslationOptions['env']): unknown {
  return {
    request_id: facts.requestId,
    deadline: facts.deadlineMs,
    invoked_function_arn: facts.functionArn,
    xray_trace_id: facts.traceId,
    client_context: facts.clientContext,
    identity: facts.identity,
    tenant_id: facts.tenantId,
    env_config: {
      function_name: env.AWS_LAMBDA_FUNCTION_NAME ?? '',
      memory: Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 0),
      version: env.AWS_LAMBDA_FUNCTION_VERSION ?? '',
      log_stream: env.AWS_LAMBDA_LOG_STREAM_NAME ?? '',
      log_group: env.AWS_LAMBDA_LOG_GROUP_NAME ?? '',
    },
  };
}
