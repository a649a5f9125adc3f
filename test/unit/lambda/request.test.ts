// Events of every front become the request that the client sent; everything else goes to the path for events.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InvocationFacts, requestOf } from '../../../src/lambda/translate/request.ts';
import { normalBasePath } from '../../../src/lambda/translate/target.ts';
import { httpCases, otherEvents } from './events.ts';

const facts: InvocationFacts = {
  requestId: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
  deadlineMs: 1542409706888,
  functionArn: 'arn:aws:lambda:us-east-2:123456789012:function:web',
  traceId: null,
  tenantId: null,
  clientContext: null,
  identity: null,
};
const env = { AWS_LAMBDA_FUNCTION_NAME: 'web', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' };

const translated = (event: unknown, basePath = '', more: Partial<InvocationFacts> = {}) =>
  requestOf(event, { ...facts, ...more }, { basePath, eventsPath: '/events', env });

const ofInvocation = /^x-amzn-(request|lambda)-context$/;
const valuesOf = (headers: readonly (readonly [string, string])[], wanted: string) =>
  headers.filter(([name]) => name === wanted).map(([, value]) => value);

for (const { name, event, basePath, ...expected } of httpCases) {
  test(name, () => {
    const request = translated(event, basePath);
    for (const key of ['kind', 'method', 'target', 'body'] as const) {
      if (expected[key] !== undefined) assert.deepEqual(request[key], expected[key], key);
    }
    const headers = request.headers.filter(([name]) => !ofInvocation.test(name));
    if (expected.headers !== undefined) assert.deepEqual(headers, expected.headers);
    assert.deepEqual(
      JSON.parse(valuesOf(request.headers, 'x-amzn-request-context')[0] ?? ''),
      (event as { requestContext: unknown }).requestContext,
    );
  });
}

for (const [name, event] of otherEvents) {
  test(`no request: ${name}`, () => {
    const { kind, method, target, headers, body } = translated(event);
    assert.deepEqual({ kind, method, target }, { kind: 'other', method: 'POST', target: '/events' });
    assert.deepEqual(JSON.parse(body?.toString() ?? ''), event);
    assert.deepEqual(valuesOf(headers, 'content-length'), [String(body?.length)]);
    assert.deepEqual(valuesOf(headers, 'content-type'), ['application/json']);
  });
}

test('every header of every event can be sent', () => {
  for (const event of [...httpCases.map(({ event }) => event), ...otherEvents.map(([, event]) => event)]) {
    const { headers, target } = translated(event);
    for (const [name, value] of headers) assert.match(`${name}: ${value}`, /^[a-z0-9-]+: [\x20-\x7e\x80-\xff]*$/);
    assert.match(target, /^[\x21-\x7e]+$/);
  }
});

test('the invocation says whose it is', () => {
  const more = {
    traceId: 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700',
    tenantId: 'blue',
    clientContext: { custom: 'ü' },
  };
  const event = { ...(httpCases[0]?.event as object), headers: { 'x-amzn-trace-id': 'of the client' } };
  const { headers } = translated(event, '', more);
  assert.deepEqual(valuesOf(headers, 'x-amzn-trace-id'), [more.traceId]);
  assert.deepEqual(valuesOf(headers, 'x-amz-tenant-id'), ['blue']);
  assert.deepEqual(JSON.parse(valuesOf(headers, 'x-amzn-lambda-context')[0] ?? ''), {
    request_id: facts.requestId,
    deadline: facts.deadlineMs,
    invoked_function_arn: facts.functionArn,
    xray_trace_id: more.traceId,
    client_context: { custom: 'ü' },
    identity: null,
    tenant_id: 'blue',
    env_config: { function_name: 'web', memory: 512, version: '', log_stream: '', log_group: '' },
  });
});

test('only function URLs and REST APIs are streamed to', () => {
  const streamed = httpCases.filter(({ event }) => translated(event).streams).map(({ name }) => name.split(',')[0]);
  assert.deepEqual([...new Set(streamed)], ['function URL', 'REST API']);
  assert.ok(otherEvents.every(([, event]) => !translated(event).streams));
  // Emulators may leave the domain out.
  assert.ok(translated({ rawPath: '/', requestContext: { http: { method: 'GET' } } }).streams);
});

test('a base path is written in any way', () => {
  assert.deepEqual(['', '/', 'prod', '/prod/', '//a/b//'].map(normalBasePath), ['', '', '/prod', '/prod', '/a/b']);
});

test('the documents are as many as promised', () => {
  assert.ok(httpCases.length + otherEvents.length >= 60, String(httpCases.length + otherEvents.length));
});
