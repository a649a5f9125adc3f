// The admin API as a hono application: access, limits and the table of routes. Runs in the primary, loaded with the first
// request, because most supervisors are asked nothing for hours and hono with its request objects takes 7 MB.

import type { IncomingMessage } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import type { Serve, Visit } from '../server/door-server.ts';
import { type Door, refusalOf } from '../server/gate.ts';
import type { EventHistory } from './event-history.ts';
import { EventStream } from './event-stream.ts';
import { openApiDocument } from './openapi.ts';
import { failed, routes } from './routes.ts';
import type { AdminExtras, AdminTarget, Route, RouteAnswer, RouteContext } from './target.ts';

export interface ApiOptions {
  target: AdminTarget;
  extras: AdminExtras;
  history: EventHistory;
  token: string;
  version: string;
  /** Aborts when the supervisor ends: nothing under way is to hold it up. */
  closing: AbortSignal;
}

type Bindings = { Bindings: HttpBindings & { door: Door; visit: Visit } };
export type RequestListener = Serve;

export const MAX_BODY_BYTES = 64 * 1024;
/** At one door, so that who watches through one does not shut out the other. */
const MAX_STREAMS = 32;

/** Makes one listener per door. */
export function createApp(options: ApiOptions): (door: Door) => RequestListener {
  const app = new Hono<Bindings>();
  const table = [...routes, ...(options.extras.routes ?? [])];

  app.use(async (context, next) => {
    const { door, visit } = context.env;
    const refusal = await refusalOf(
      {
        headers: context.env.incoming.headers,
        path: context.req.path,
        method: context.req.method,
        access: accessOf(table, context.req.method, context.req.path),
      },
      door,
      options.token,
      () => visit.isOwnUser(),
    );
    if (refusal !== null) return respond(context, refusal);
    await next();
    if (context.res.headers.has('x-hono-already-sent')) return;
    context.res.headers.set('cache-control', context.res.headers.get('cache-control') ?? 'no-store');
    context.res.headers.set('x-content-type-options', 'nosniff');
  });

  for (const route of table) {
    app.on(route.method, route.path, async (context) => {
      if (context.req.method === 'HEAD' && isStream(route)) {
        return respond(context, failed(405, 'method', 'A stream has no headers-only form.'));
      }
      if (route.onlyBySocket === true && context.env.door.type === 'tcp') {
        return respond(context, failed(403, 'door', 'This is answered on the control socket only.'));
      }
      const body = await bodyOf(context, route);
      if ('refusal' in body) return respond(context, body.refusal);
      if (route.access === 'control') context.env.visit.stay();
      return respond(context, await route.handle(contextOf(context, options, body.value)));
    });
  }
  let document: string | null = null;
  app.get('/openapi.json', (context) => {
    document ??= JSON.stringify(openApiDocument(table, options.version));
    return respond(context, { status: 200, contentType: 'application/json; charset=utf-8', body: document });
  });
  app.notFound((context) =>
    respond(context, pageOrNotFound(table, context.req.method, context.req.path, options.extras)),
  );
  app.onError((error, context) =>
    respond(context, failed(500, 'internal', `The supervisor met a bug while it answered: ${error.message}`)),
  );

  return (door) => {
    const visits = new WeakMap<object, Visit>();
    const listener = getRequestListener(
      (request, bindings) => {
        const { incoming, outgoing } = bindings as HttpBindings;
        return app.fetch(request, { incoming, outgoing, door, visit: visits.get(incoming) });
      },
      { overrideGlobalObjects: false, hostname: 'localhost', errorHandler: malformed },
    );
    return (request, response, visit) => {
      visits.set(request, visit);
      void listener(request, response);
    };
  };
}

/** hono could not make a request of it, such as a path that is not a URL. */
function malformed(): Response {
  return Response.json(
    { schema: 1, error: { code: 'malformed', message: 'The request cannot be understood.' } },
    { status: 400 },
  );
}

function isStream(route: Route): boolean {
  return route.answers[200]?.contentType === 'text/event-stream';
}

function accessOf(table: readonly Route[], method: string, path: string): Route['access'] {
  const asked = method === 'HEAD' ? 'get' : method.toLowerCase();
  // What no route answers is a file of the page, or nothing: neither tells or changes anything of the app.
  return table.find((route) => route.path === path && route.method === asked)?.access ?? 'open';
}

async function bodyOf(
  context: Context<Bindings>,
  route: Route,
): Promise<{ value: unknown } | { refusal: RouteAnswer }> {
  if (route.body === undefined) return { value: null };
  const text = await readBody(context.env.incoming);
  if (text === null) {
    return { refusal: failed(413, 'too-large', `The body is larger than ${MAX_BODY_BYTES} bytes.`) };
  }
  const type = context.req.header('content-type') ?? '';
  if (text !== '' && !/^application\/json\s*(;|$)/i.test(type)) {
    return { refusal: failed(415, 'not-json', `Cannot read a body of type "${type}": send application/json.`) };
  }
  let json: unknown;
  try {
    json = text === '' ? {} : JSON.parse(text);
  } catch {
    return { refusal: failed(400, 'malformed', 'The body is not JSON.') };
  }
  const checked = v.safeParse(route.body, json);
  if (checked.success) return { value: checked.output };
  return { refusal: failed(400, 'invalid', `The body does not fit: ${described(checked.issues)}`) };
}

/** On one line, for a terminal and a page alike: `to: Invalid value: Expected >=1 but received 0`. */
function described(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues
    .map((issue) => [v.getDotPath(issue), issue.message].filter((part) => part !== null).join(': '))
    .join('; ');
}

/** Null when it is too large; the rest is read and thrown away, so that the client gets to read the answer. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk as Buffer);
    else if (bytes > 16 * MAX_BODY_BYTES) break;
  }
  return bytes > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString('utf8');
}

function contextOf(context: Context<Bindings>, options: ApiOptions, body: unknown): RouteContext {
  return {
    target: options.target,
    extras: options.extras,
    history: options.history,
    body,
    query: (name) => context.req.query(name),
    header: (name) => context.req.header(name),
    openStream: (onEnd) => {
      const { streams, stay } = context.env.visit;
      if (streams.size >= MAX_STREAMS) return null;
      stay();
      const stream = new EventStream(context.env.outgoing, () => {
        streams.delete(stream);
        onEnd();
      });
      streams.add(stream);
      return stream;
    },
    whileWanted: () => {
      const wanted = new AbortController();
      const abort = () => wanted.abort();
      const { closing } = options;
      if (closing.aborted) abort();
      closing.addEventListener('abort', abort);
      context.env.outgoing.once('close', () => {
        closing.removeEventListener('abort', abort);
        abort();
      });
      return wanted.signal;
    },
  };
}

function respond(context: Context<Bindings>, answer: RouteAnswer): Response {
  if ('streaming' in answer) return RESPONSE_ALREADY_SENT;
  const type = 'json' in answer ? 'application/json; charset=utf-8' : answer.contentType;
  const body = 'json' in answer ? JSON.stringify(answer.json) : answer.body;
  if (answer.status === 401) context.header('www-authenticate', 'Bearer');
  if ('headers' in answer)
    for (const [name, value] of Object.entries(answer.headers ?? {})) context.header(name, value);
  context.header('content-type', type);
  return context.body(body, answer.status as 200);
}

function pageOrNotFound(table: readonly Route[], method: string, path: string, extras: AdminExtras): RouteAnswer {
  const allow = table.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
  if (allow.length > 0) {
    const refusal = failed(405, 'method', `${path} takes ${allow.join(', ')}, not ${method}.`);
    return { ...refusal, headers: { allow: allow.join(', ') } };
  }
  const file = method === 'GET' || method === 'HEAD' ? extras.page?.(path) : null;
  if (!file) return failed(404, 'not-found', `There is no ${path}. See /openapi.json.`);
  const keep = file.cacheSeconds > 0 ? `public, max-age=${file.cacheSeconds}, immutable` : 'no-cache';
  const headers = { ...extras.pageHeaders, 'cache-control': keep };
  return { status: 200, contentType: file.contentType, body: file.body, headers };
}
