import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { routes } from '../../../src/admin/api/routes.ts';
import type { Route } from '../../../src/admin/api/target.ts';
import { MemoryTarget, memoryWorker } from './memory-target.ts';
import { ask, openAdmin } from './open-admin.ts';

const json = { 'content-type': 'application/json' };

describe('admin API', () => {
  it('answers every route with the shape that the table promises', async (test) => {
    const { paths, token, target } = await openAdmin(test, {
      extras: { metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }) },
    });
    target.tell({ type: 'state', state: 'running' });
    const bodies: Record<string, string> = { '/v1/scale': '{"by":1}' };
    for (const route of routes.filter((one) => !isStream(one))) {
      const headers = { ...json, authorization: `Bearer ${token}` };
      const sent = { headers, ...(route.method === 'post' ? { body: bodies[route.path] ?? '{}' } : {}) };
      const reply = await ask(paths.socket, route.method.toUpperCase(), route.path, sent);
      const promised = route.answers[reply.status];
      assert.ok(promised, `${route.path} answered ${reply.status}: ${reply.text}`);
      if (promised.schema) v.parse(promised.schema, reply.json());
    }
  });

  it('describes exactly its routes in the OpenAPI document', async (test) => {
    const extras = { metrics: async () => ({ contentType: 'text/plain', body: '' }), history: () => ({}) };
    const streams = routes.filter(isStream).map((route) => route.path);
    const { paths } = await openAdmin(test, { extras });
    const reply = await ask(paths.socket, 'GET', '/openapi.json');
    const document = reply.json() as { openapi: string; paths: Record<string, Record<string, { responses: object }>> };
    assert.equal(document.openapi, '3.1.0');
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    assert.deepEqual(described.sort(), routes.map((route) => `${route.method} ${route.path}`).sort());
    for (const route of routes) {
      const responses = document.paths[route.path]?.[route.method]?.responses ?? {};
      for (const status of Object.keys(route.answers)) assert.ok(status in responses, `${route.path} ${status}`);
    }
    for (const path of Object.keys(document.paths).filter((one) => !streams.includes(one))) {
      const reply = await ask(paths.socket, 'GET', path);
      assert.notEqual(reply.status, 404, `${path} is described and does not exist`);
    }
  });

  it('looks at the workers before it tells their status', async (test) => {
    const target = new MemoryTarget();
    const look = () => {
      target.workers = [memoryWorker(7)];
    };
    const { client } = await openAdmin(test, { target, extras: { look } });
    assert.equal((await client.snapshot()).workers[0]?.slot, 7);
  });

  it('passes commands on and answers with their result', async (test) => {
    const { client, target } = await openAdmin(test);
    assert.deepEqual(await client.command('scale', { to: 4 }), { schema: 1, outcome: 'done' });
    await client.command('scale', { by: -1 });
    await client.command('recycle', { slot: 1 });
    await client.command('stop', { fast: true });
    target.result = { outcome: 'failed', reason: 'never listened', lastLines: ['Error: no'] };
    const failed = await client.command('reload');
    assert.equal(failed.outcome, 'failed');
    assert.deepEqual('lastLines' in failed && failed.lastLines, ['Error: no']);
    assert.deepEqual(target.commands, [
      { type: 'scale', to: 4 },
      { type: 'scale', to: { by: -1 } },
      { type: 'recycle', slot: 1 },
      { type: 'stop', fast: true },
      { type: 'reload' },
    ]);
  });

  it('demands the token for every mutating call', async (test) => {
    const { paths, target, token } = await openAdmin(test);
    const wrong = [
      {},
      { authorization: token },
      { authorization: 'Bearer ' },
      { authorization: `Bearer ${token}x` },
      { authorization: `Basic ${token}` },
      { cookie: `token=${token}` },
    ];
    for (const route of routes.filter((one) => one.access === 'control')) {
      for (const headers of wrong) {
        const reply = await ask(paths.socket, 'POST', route.path, { headers: { ...json, ...headers } as typeof json });
        assert.equal(reply.status, 401, `${route.path} ${JSON.stringify(headers)}`);
      }
      const inUrl = await ask(paths.socket, 'POST', `${route.path}?token=${token}`, { headers: json });
      assert.equal(inUrl.status, 401);
    }
    assert.deepEqual(target.commands, []);
  });

  it('changes nothing by GET or HEAD', async (test) => {
    const { paths, target, token } = await openAdmin(test);
    for (const route of routes.filter((one) => one.method === 'post')) {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
        const reply = await ask(paths.socket, method, route.path, { headers: { authorization: `Bearer ${token}` } });
        assert.equal(reply.status, 405, `${method} ${route.path}`);
        assert.equal(reply.headers.allow, 'POST');
      }
    }
    assert.deepEqual(target.commands, []);
  });

  it('refuses bodies that are too large, of another type, or do not fit', async (test) => {
    const { paths, target, token } = await openAdmin(test);
    const send = async (body: string, type = 'application/json') =>
      (
        await ask(paths.socket, 'POST', '/v1/scale', {
          headers: { 'content-type': type, authorization: `Bearer ${token}` },
          body,
        })
      ).status;
    assert.equal(await send(`{"to":${'1'.repeat(70_000)}}`), 413);
    assert.equal(await send('{"to":2}', 'text/plain'), 415);
    assert.equal(await send('{"to":2}', 'application/x-www-form-urlencoded'), 415);
    for (const body of [
      '{',
      '',
      '[]',
      '{"to":0}',
      '{"to":1.5}',
      '{"to":"2"}',
      '{"to":2,"by":1,"x":1}',
      '{"to":99999}',
    ]) {
      assert.equal(await send(body), 400, body);
    }
    const headers = { ...json, authorization: `Bearer ${token}` };
    for (const [body, says] of [
      ['{"to":0}', 'The body does not fit: to: Invalid value: Expected >=1 but received 0'],
      ['{"to":"2"}', 'The body does not fit: Expected {"to": n}, from 1 to 1024, or {"by": n}'],
    ] as const) {
      const { error } = (await ask(paths.socket, 'POST', '/v1/scale', { headers, body })).json();
      assert.deepEqual(error, { code: 'invalid', message: says });
    }
    assert.deepEqual(target.commands, []);
  });

  it('says ready only while enough workers are and no stop has begun', async (test) => {
    const { paths, target } = await openAdmin(test);
    const status = async () => (await ask(paths.socket, 'GET', '/readyz')).status;
    assert.equal(await status(), 200);
    target.state = 'starting';
    assert.equal(await status(), 503);
    target.state = 'reloading';
    assert.equal(await status(), 200);
    target.workers = target.workers.map((worker) => ({ ...worker, state: 'backoff' as const }));
    assert.equal(await status(), 503);
    target.state = 'stopping';
    assert.equal(await status(), 503);
    assert.equal((await ask(paths.socket, 'GET', '/livez')).status, 200);
  });
});

function isStream(route: Route): boolean {
  return route.answers[200]?.contentType === 'text/event-stream';
}
