// Every route of the admin API, as one table: the server, the OpenAPI document and the tests read it. Runs in the primary.

import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import type { RecordedEvent } from './event-history.ts';
import { readinessOf } from './readiness.ts';
import * as schemas from './schemas.ts';
import type { LiveSample, Route, RouteAnswer, RouteContext } from './target.ts';

const commandAnswers = {
  200: { description: 'Carried out: `done`, or `degraded` (in part).', schema: schemas.commandResult },
  409: { description: 'Not carried out: `failed`, `refused` or `superseded`.', schema: schemas.commandResult },
};

export const routes: readonly Route[] = [
  {
    method: 'get',
    path: '/livez',
    access: 'open',
    summary: 'The supervisor turns its loop.',
    answers: { 200: { description: 'It does.', schema: schemas.health } },
    handle: () => ({ status: 200, json: { schema: 1, ok: true, reason: 'the supervisor answers' } }),
  },
  {
    method: 'get',
    path: '/readyz',
    access: 'open',
    summary: 'Enough workers are ready and no stop has begun.',
    answers: {
      200: { description: 'Send traffic.', schema: schemas.health },
      503: { description: 'Send none.', schema: schemas.health },
    },
    handle: ({ target }) => {
      const readiness = readinessOf(target.snapshot());
      return { status: readiness.ok ? 200 : 503, json: { schema: 1, ...readiness } };
    },
  },
  {
    method: 'get',
    path: '/metrics',
    access: 'measure',
    summary: 'Metrics in the Prometheus text format.',
    answers: {
      200: { description: 'The metrics.', contentType: 'text/plain' },
      404: { description: 'This supervisor publishes none.', schema: schemas.failure },
    },
    handle: async ({ extras, header }) => {
      if (extras.metrics === undefined) return failed(404, 'no-metrics', 'This supervisor publishes no metrics.');
      return { status: 200, ...(await extras.metrics(header('accept') ?? '')) };
    },
  },
  {
    method: 'get',
    path: '/v1/status',
    access: 'read',
    summary: 'The snapshot: the app, its listeners, its reload and its workers.',
    answers: { 200: { description: 'The snapshot.', schema: schemas.snapshot } },
    handle: ({ target, extras }) => {
      extras.look?.();
      return { status: 200, json: target.snapshot() };
    },
  },
  {
    method: 'get',
    path: '/v1/events/recent',
    access: 'read',
    summary: 'The last events, oldest first.',
    parameters: [{ name: 'since', in: 'query', description: 'An event id: only what came after it.' }],
    answers: { 200: { description: 'The events.', schema: schemas.recentEvents } },
    handle: ({ history, query }) => ({ status: 200, json: { schema: 1, ...history.since(query('since') ?? null) } }),
  },
  {
    method: 'get',
    path: '/v1/events',
    access: 'read',
    summary: 'Server-sent events as they happen, after those still known.',
    parameters: [
      { name: 'Last-Event-ID', in: 'header', description: 'Only what came after this event.' },
      { name: 'history', in: 'query', description: '`0`: only what happens from now on.' },
    ],
    answers: {
      200: { description: 'A stream that ends with the supervisor.', contentType: 'text/event-stream' },
      503: { description: 'Too many clients listen already.', schema: schemas.failure },
    },
    handle: streamEvents,
  },
  {
    method: 'get',
    path: '/v1/live',
    access: 'read',
    summary: 'Server-sent events for a display: `sample` about once a second, `event` as they happen.',
    parameters: [{ name: 'after', in: 'query', description: 'An event id: only events after it.' }],
    answers: {
      200: { description: 'A stream that ends with the supervisor.', contentType: 'text/event-stream' },
      503: { description: 'Too many clients listen already.', schema: schemas.failure },
    },
    handle: streamLive,
  },
  {
    method: 'get',
    path: '/v1/history',
    access: 'read',
    summary: 'Rates, percentiles and load of the last minutes and the last hour.',
    answers: {
      200: { description: 'The points, oldest first.', schema: schemas.history },
      404: { description: 'This supervisor keeps none.', schema: schemas.failure },
    },
    handle: ({ extras }) => {
      if (extras.history === undefined) return failed(404, 'no-history', 'This supervisor keeps no history.');
      return { status: 200, json: extras.history() };
    },
  },
  {
    method: 'post',
    path: '/v1/reload',
    access: 'control',
    summary: 'Replaces all workers, new before old. Answers when it has ended; progress is in the events.',
    body: schemas.nothing,
    answers: commandAnswers,
    handle: async ({ target }) => answerOf(await target.reload()),
  },
  {
    method: 'post',
    path: '/v1/rollback',
    access: 'control',
    summary: 'Reloads into the generation before this one.',
    body: schemas.nothing,
    answers: commandAnswers,
    handle: async ({ target }) => answerOf(await target.rollback()),
  },
  {
    method: 'post',
    path: '/v1/scale',
    access: 'control',
    summary: 'Changes the number of workers, to a number or by a difference.',
    body: schemas.scaleBody,
    answers: commandAnswers,
    handle: async ({ target, body }) => {
      const wanted = body as { to: number } | { by: number };
      return answerOf(await target.scale('to' in wanted ? wanted.to : { by: wanted.by }));
    },
  },
  {
    method: 'post',
    path: '/v1/recycle',
    access: 'control',
    summary: 'Replaces one worker, or one after the other, without loading new code.',
    body: schemas.recycleBody,
    answers: commandAnswers,
    handle: async ({ target, body }) => answerOf(await target.recycle((body as { slot?: number }).slot)),
  },
  {
    method: 'post',
    path: '/v1/stop',
    access: 'control',
    summary:
      'Drains all workers and ends the supervisor; `fast` gives them no time to drain. Answers when they have ended.',
    body: schemas.stopBody,
    answers: commandAnswers,
    handle: async ({ target, body }) =>
      answerOf(await target.stop({ fast: (body as { fast?: boolean }).fast ?? false })),
  },
];

export function failed(status: number, code: string, message: string): RouteAnswer & { json: object } {
  return { status, json: { schema: 1, error: { code, message } } };
}

function answerOf(result: CommandResult): RouteAnswer {
  const carriedOut = result.outcome === 'done' || result.outcome === 'degraded';
  return { status: carriedOut ? 200 : 409, json: { schema: 1, ...result } };
}

function streamEvents({ history, query, header, openStream }: RouteContext): RouteAnswer {
  let unsubscribe = () => {};
  const stream = openStream(() => unsubscribe());
  if (stream === null) return tooManyStreams();
  if (query('history') !== '0') {
    const { events, missed } = history.since(header('last-event-id') ?? null);
    if (missed > 0) stream.send({ event: 'gap', data: { missed } });
    for (const record of events) stream.send({ id: record.id, data: record });
  }
  unsubscribe = history.subscribe((record) => stream.send({ id: record.id, data: record }));
  return { streaming: true };
}

/** The first sample goes out at once, so that a display has something to show. */
function streamLive({ target, extras, history, query, header, openStream }: RouteContext): RouteAnswer {
  const ends: (() => void)[] = [];
  const stream = openStream(() => {
    for (const end of ends) end();
  });
  if (stream === null) return tooManyStreams();
  const picture = (): LiveSample => ({ snapshot: target.snapshot(), second: null, hour: null, slots: {} });
  const send = (sample: LiveSample) => stream.send({ event: 'sample', data: sample });
  const tell = (record: RecordedEvent) => stream.send({ id: record.id, event: 'event', data: record });
  send(picture());
  for (const record of history.since(query('after') ?? header('last-event-id') ?? null).events) tell(record);
  ends.push(history.subscribe(tell));
  if (extras.samples !== undefined) {
    ends.push(extras.samples(send));
  } else {
    const timer = setInterval(() => send(picture()), 1000).unref();
    ends.push(() => clearInterval(timer));
  }
  return { streaming: true };
}

function tooManyStreams(): RouteAnswer {
  return failed(503, 'too-many-streams', 'Too many clients listen to events already.');
}
