// tutti lambda with a real Runtime API, real workers and the built command line: every kind of event, both ways of answering, and all
// that goes wrong in a function.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { type InvokeOptions, LambdaRuntimeApi, type Outcome } from '../support/lambda-runtime-api.ts';
import { binPath, type Flags, flagList, type Rig, root, startRig } from '../support/rig.ts';

interface Given {
  fixture?: string;
  flags?: Flags;
  env?: Record<string, string>;
}

interface LambdaRig extends AsyncDisposable {
  rig: Rig;
  api: LambdaRuntimeApi;
  invoke(event: unknown, options?: InvokeOptions): Promise<Outcome>;
}

/** Without waiting for anything. */
async function startLambda({ fixture = 'lambda.cjs', flags = {}, env = {} }: Given = {}): Promise<LambdaRig> {
  const api = await LambdaRuntimeApi.start();
  const rig = await startRig({
    fixture,
    command: [binPath, 'lambda', `${root}test/fixtures/${fixture}`, '--json', ...flagList(flags)],
    env: { AWS_LAMBDA_RUNTIME_API: api.address, AWS_LAMBDA_FUNCTION_NAME: 'web', ...env },
    ready: 0,
  });
  return {
    rig,
    api,
    invoke: (event, options) =>
      api.invoke(event, options).catch((error: Error) => {
        throw new Error(`${error.message}\n${rig.story()}`);
      }),
    [Symbol.asyncDispose]: async () => {
      await rig[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

/** A function URL is asked for `target`. */
function get(target: string, more: Record<string, unknown> = {}): unknown {
  const [rawPath, rawQueryString = ''] = target.split('?');
  const http = { method: 'GET', path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' };
  return { version: '2.0', rawPath, rawQueryString, headers: {}, requestContext: { http }, ...more };
}

interface Result {
  statusCode: number;
  body: string;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  cookies?: string[];
  isBase64Encoded: boolean;
  statusDescription?: string;
}

interface Echo {
  pid: number;
  method: string;
  url: string;
  headers: Record<string, string>;
  bytes: number;
  text: string;
}

function resultOf(outcome: Outcome): Result {
  assert.equal(outcome.type, 'response', JSON.stringify(outcome));
  return JSON.parse(outcome.type === 'response' ? outcome.body.toString() : '');
}

function echoOf(outcome: Outcome): Echo {
  const { statusCode, body } = resultOf(outcome);
  assert.equal(statusCode, 200);
  return JSON.parse(body);
}

function failureOf(outcome: Outcome): { errorType: string; errorMessage: string; afterMs: number } {
  assert.equal(outcome.type, 'error', JSON.stringify(outcome));
  return outcome.type === 'error' ? { ...outcome.failure, afterMs: outcome.afterMs } : assert.fail();
}

test('every kind of event is a request to the app, and its response a result', async () => {
  await using lambda = await startLambda({ flags: { 'events-path': '/from/elsewhere', 'base-path': 'prod' } });
  const { api, invoke, rig } = lambda;
  await api.untilAsked();
  assert.deepEqual(api.extensions, ['tutti']);

  const headers = { 'Lambda-Runtime-Trace-Id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1' };
  const url = echoOf(await invoke(get('/prod/a%20b?x=%2B&y', { cookies: ['a=1', 'b=2'] }), { headers }));
  assert.deepEqual([url.method, url.url, url.headers.cookie], ['GET', '/a%20b?x=%2B&y', 'a=1; b=2']);
  assert.equal(url.headers['x-amzn-trace-id'], headers['Lambda-Runtime-Trace-Id']);
  assert.equal(JSON.parse(url.headers['x-amzn-request-context'] ?? '').http.sourceIp, '192.0.2.1');
  assert.equal(JSON.parse(url.headers['x-amzn-lambda-context'] ?? '').env_config.function_name, 'web');

  const v1 = { httpMethod: 'PUT', path: '/x', resource: '/{proxy+}', requestContext: { stage: 'prod' } };
  const rest = await invoke({
    ...v1,
    multiValueHeaders: { 'X-Forwarded-For': ['1.2.3.4'], Host: ['x.example'] },
    multiValueQueryStringParameters: { a: ['1 2', '3'] },
    body: Buffer.from([0, 1, 2, 255]).toString('base64'),
    isBase64Encoded: true,
  });
  const put = echoOf(rest);
  assert.deepEqual([put.method, put.url, put.bytes], ['PUT', '/x?a=1%202&a=3', 4]);
  assert.deepEqual([put.headers['x-forwarded-for'], put.headers.host], ['1.2.3.4', 'x.example']);
  assert.deepEqual(resultOf(rest).multiValueHeaders?.['content-type'], ['application/json; charset=utf-8']);

  const balancer = { requestContext: { elb: { targetGroupArn: 'arn' } }, httpMethod: 'GET', body: '' };
  const alb = resultOf(await invoke({ ...balancer, path: '/cookies', headers: { host: 'x' } }));
  assert.equal(alb.statusDescription, '200 OK');
  assert.equal(alb.headers?.['set-cookie'], 'a=1; Path=/');
  assert.equal(alb.headers?.['Set-cookie'], 'b=2; Secure');
  const multi = resultOf(await invoke({ ...balancer, path: '/cookies', multiValueHeaders: { host: ['x'] } }));
  assert.deepEqual(multi.multiValueHeaders?.['set-cookie'], ['a=1; Path=/', 'b=2; Secure']);
  assert.deepEqual(resultOf(await invoke(get('/cookies'))).cookies, ['a=1; Path=/', 'b=2; Secure']);

  const binary = resultOf(await invoke(get('/binary')));
  assert.equal(binary.isBase64Encoded, true);
  assert.deepEqual(Buffer.from(binary.body, 'base64'), Buffer.from(Array.from({ length: 256 }, (_, index) => index)));

  const queue = await invoke({ Records: [{ body: 'a message' }] });
  assert.equal(queue.type, 'response');
  const message = JSON.parse(queue.type === 'response' ? queue.body.toString() : '') as Echo;
  assert.deepEqual([message.method, message.url], ['POST', '/from/elsewhere']);
  assert.match(message.text, /a message/);

  assert.equal(rig.workers().length, 1, 'one request at a time has one worker');
  assert.equal(new Set([url.pid, put.pid, message.pid]).size, 1);
});

test('6 MB come in, an answer that is too large is a clear failure, and 20 MB go out as a stream', async () => {
  await using lambda = await startLambda({ flags: { 'invoke-mode': 'response-stream' } });
  const { api, invoke } = lambda;
  await api.untilAsked();
  const body = Buffer.alloc(4_400_000, 7);
  const up = await invoke(get('/', { body: body.toString('base64'), isBase64Encoded: true }));
  const [, echo] = streamed(up);
  assert.equal((JSON.parse(echo.toString()) as Echo).bytes, body.length);

  const [head, down] = streamed(await invoke(get('/big?bytes=20971520')));
  assert.equal(head.statusCode, 200);
  assert.equal(head.headers?.['content-type'], 'text/plain');
  assert.equal(down.length, 20_971_520);
  assert.ok(down.every((byte) => byte === 120));

  const broken = await invoke(get('/breaks-off'));
  assert.equal(streamed(broken)[1].toString(), 'the beginning');
  assert.equal(
    broken.type === 'response' && broken.trailers['lambda-runtime-function-error-type'],
    'ERR_LAMBDA_NO_ANSWER',
  );

  // A load balancer is never streamed to.
  const balancer = { requestContext: { elb: { targetGroupArn: 'arn' } }, httpMethod: 'GET', headers: { host: 'x' } };
  const big = (bytes: string) => invoke({ ...balancer, path: '/big', queryStringParameters: { bytes } });
  const large = failureOf(await big('7000000'));
  assert.equal(large.errorType, 'ERR_LAMBDA_TOO_LARGE');
  assert.match(large.errorMessage, /at most 6291556 bytes.*--invoke-mode response-stream/);
  assert.equal(resultOf(await big('6291000')).body.length, 6_291_000);
});

function streamed(outcome: Outcome): [head: Result, body: Buffer] {
  assert.equal(outcome.type, 'response', JSON.stringify(outcome));
  if (outcome.type !== 'response') assert.fail();
  assert.equal(outcome.headers['lambda-runtime-function-response-mode'], 'streaming');
  assert.equal(outcome.headers['content-type'], 'application/vnd.awslambda.http-integration-response');
  const at = outcome.body.indexOf(Buffer.alloc(8));
  return [JSON.parse(outcome.body.subarray(0, at).toString()), outcome.body.subarray(at + 8)];
}

test('what goes wrong in an invocation costs that one, and the next has a worker that serves', async () => {
  await using lambda = await startLambda({ env: { SOCKET: 'app.sock' }, flags: { 'events-path': '/refuses' } });
  const { api, invoke } = lambda;
  await api.untilAsked();
  const first = echoOf(await invoke(get('/')));

  assert.equal(failureOf(await invoke(get('/crash'))).errorType, 'ERR_LAMBDA_NO_ANSWER');
  const second = echoOf(await invoke(get('/')));
  assert.notEqual(second.pid, first.pid);

  for (const path of ['/hang', '/block']) {
    const late = failureOf(await invoke(get(path), { timeoutMs: 2000, graceMs: 10_000 }));
    assert.equal(late.errorType, 'ERR_LAMBDA_TIMEOUT');
    assert.ok(late.afterMs > 1700, String(late.afterMs));
    echoOf(await invoke(get('/')));
  }
  // Another status would lose the message of a queue.
  assert.equal(failureOf(await invoke({ Records: [{ body: 'a message' }] })).errorType, 'ERR_LAMBDA_EVENT');
});

test('an app that cannot start fails the init, and one that is named wrongly too', async () => {
  await using crashing = await startLambda({ fixture: 'throws-on-boot.cjs' });
  const ended = await crashing.rig.exited;
  assert.equal(crashing.api.initError?.errorType, 'ERR_NEVER_READY');
  assert.equal(ended.code, 3);
  await using missing = await startLambda({ fixture: 'lambdaa.cjs' });
  await missing.rig.exited;
  assert.equal(missing.api.initError?.errorType, 'ERR_ENTRY_NOT_FOUND');
  // Elsewhere there is nobody to tell but the one who typed it.
  const { code, stderr } = await runCommand(['lambda', 'server.js'], { files: { 'server.js': '' } });
  assert.deepEqual([code, /AWS_LAMBDA_RUNTIME_API must be set.*\n.*tutti run/.test(stderr)], [1, true], stderr);
});

test('SIGTERM ends it in order: what is in flight is answered, and nothing more is taken', async () => {
  await using lambda = await startLambda({ env: { AWS_LAMBDA_MAX_CONCURRENCY: '2' }, flags: { workers: 1 } });
  const { api, invoke, rig } = lambda;
  await api.untilAsked(2);
  const inFlight = invoke(get('/meet?of=2'));
  await eventually('the request to be with the app', () => api.meeting === 1);
  rig.signal('SIGTERM');
  await eventually('no call of next', () => api.asking === 0);
  api.letGo();
  assert.equal(resultOf(await inFlight).statusCode, 200);
  assert.deepEqual(await rig.end(null), { code: 0, signal: null });
});

test('where the environment grants it, invocations run side by side, on several workers', async () => {
  await using lambda = await startLambda({ env: { AWS_LAMBDA_MAX_CONCURRENCY: '16' }, flags: { workers: 2 } });
  const { api, invoke, rig } = lambda;
  await api.untilAsked(16);
  const outcomes = await Promise.all(Array.from({ length: 16 }, () => invoke(get('/meet?of=16'))));
  const pids = new Set(outcomes.map((outcome) => JSON.parse(resultOf(outcome).body).pid));
  assert.equal(api.mostAtOnce, 16);
  assert.equal(pids.size, 2);
  // With others in flight, a slow request is no reason to replace a worker.
  assert.equal(
    failureOf(await invoke(get('/hang'), { timeoutMs: 500, graceMs: 10_000 })).errorType,
    'ERR_LAMBDA_TIMEOUT',
  );
  assert.equal(rig.events.all('worker-exit').length, 0);
});

test('a thaw is no hang: workers that were frozen serve on', async () => {
  // Each of these times is over when the environment goes on.
  const flags = { 'liveness-timeout': '2s', 'start-timeout': '3s', 'drain-timeout': '2s' };
  await using lambda = await startLambda({ flags });
  const { api, invoke, rig } = lambda;
  await api.untilAsked();
  const { pid } = echoOf(await invoke(get('/')));
  await freeze(rig, 3500);
  assert.equal(echoOf(await invoke(get('/'))).pid, pid);
  // In the middle of the replacement of a worker.
  failureOf(await invoke(get('/hang'), { timeoutMs: 1000, graceMs: 10_000 }));
  await freeze(rig, 3500);
  echoOf(await invoke(get('/')));
  await rig.waitFor('worker-exit');
  const ends = rig.events.all('worker-exit').map(({ reason }) => reason);
  assert.deepEqual(ends, ['planned'], rig.story());
  assert.deepEqual(rig.events.all('worker-suspect'), []);
});

/** What Lambda does between invocations: no process runs, and the clock goes on. */
async function freeze(rig: Rig, forMs: number): Promise<void> {
  const frozen = rig.processes();
  for (const pid of frozen) process.kill(pid, 'SIGSTOP');
  // The time itself is what this is about; there is nothing to wait for.
  await delay(forMs);
  for (const pid of frozen) process.kill(pid, 'SIGCONT');
}
