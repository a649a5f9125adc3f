// AWS's own client of the Runtime API finds in the tests' one what it finds in Lambda: so what tutti lambda is tested with is right.
// Run by `npm run test:lambda`, which brings the client.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { within } from '../support/eventually.ts';
import { LambdaRuntimeApi, type Outcome } from '../support/lambda-runtime-api.ts';
import { root } from '../support/rig.ts';

const client = process.env.LAMBDA_CLIENT ?? '';
assert.ok(client, 'run this by: npm run test:lambda');

/** What Lambda sets, and the client insists on. */
const given = {
  AWS_LAMBDA_FUNCTION_NAME: 'web',
  AWS_LAMBDA_FUNCTION_VERSION: '1',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/web',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/29/[1]abc',
};

async function startClient(t: TestContext, handler: string, env: Record<string, string> = {}) {
  const api = await LambdaRuntimeApi.start();
  const folder = `${root}test/fixtures/lambda-handler`;
  const child: ChildProcess = spawn(process.execPath, [client], {
    cwd: folder,
    env: {
      ...process.env,
      AWS_LAMBDA_RUNTIME_API: api.address,
      LAMBDA_TASK_ROOT: folder,
      ...given,
      _HANDLER: `index.${handler}`,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await within('the client to end', exited);
    await api[Symbol.asyncDispose]();
  });
  return { api, exited };
}

function response(outcome: Outcome): Extract<Outcome, { type: 'response' }> {
  assert.equal(outcome.type, 'response', JSON.stringify(outcome));
  return outcome.type === 'response' ? outcome : assert.fail();
}

test('it takes invocations one after the other, and reads what is said of them', async (t) => {
  const { api } = await startClient(t, 'echo');
  const headers = { 'Lambda-Runtime-Trace-Id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1' };
  for (const event of [{ a: 'ü' }, { b: 2 }]) {
    await api.untilAsked(1, 10_000);
    const { body } = response(await api.invoke(event, { timeoutMs: 5000, headers }));
    const said = JSON.parse(body.toString());
    assert.deepEqual(said.event, event);
    assert.match(said.requestId, /^[0-9a-f-]{36}$/);
    assert.equal(said.arn, 'arn:aws:lambda:eu-central-1:123456789012:function:web');
    assert.equal(said.trace, headers['Lambda-Runtime-Trace-Id']);
    assert.ok(said.remaining > 0 && said.remaining <= 5000, String(said.remaining));
  }
});

test('it reports a failure, and goes on', async (t) => {
  const { api } = await startClient(t, 'fails');
  for (let times = 0; times < 2; times += 1) {
    const outcome = await api.invoke({}, { timeoutMs: 10_000 });
    assert.deepEqual(outcome.type === 'error' && [outcome.failure.errorType, outcome.failure.errorMessage], [
      'RangeError',
      'on purpose',
    ]);
  }
});

test('it reports an init that failed', async (t) => {
  const { api, exited } = await startClient(t, 'missing');
  await within('the client to end', exited);
  assert.equal(api.initError?.errorType, 'Runtime.HandlerNotFound');
});

test('it streams, with a head and with a failure in the middle', async (t) => {
  const { api } = await startClient(t, 'streams');
  const { headers, body } = response(await api.invoke({}, { timeoutMs: 10_000 }));
  assert.equal(headers['lambda-runtime-function-response-mode'], 'streaming');
  assert.equal(headers['content-type'], 'application/vnd.awslambda.http-integration-response');
  const at = body.indexOf(Buffer.alloc(8));
  assert.deepEqual(JSON.parse(body.subarray(0, at).toString()), {
    statusCode: 201,
    headers: { 'x-a': '1' },
    cookies: ['a=1'],
  });
  assert.equal(body.subarray(at + 8).toString(), 'abcabcabc');

  const { api: other } = await startClient(t, 'breaks');
  const broken = response(await other.invoke({}, { timeoutMs: 10_000 }));
  assert.equal(broken.body.toString(), 'the beginning');
  assert.equal(broken.trailers['lambda-runtime-function-error-type'], 'RangeError');
  const why = Buffer.from(broken.trailers['lambda-runtime-function-error-body'] ?? '', 'base64').toString();
  assert.equal(JSON.parse(why).errorMessage, 'in the middle');
});

test('it is refused an answer of more than 6 MB, and time that is up', async (t) => {
  const { api } = await startClient(t, 'large');
  const outcome = await api.invoke({}, { timeoutMs: 10_000 });
  assert.equal(outcome.type === 'error' && outcome.failure.errorType, 'Function.ResponseSizeTooLarge');
  const { api: other } = await startClient(t, 'slow');
  await other.untilAsked(1, 10_000);
  assert.equal((await other.invoke({}, { timeoutMs: 300 })).type, 'timeout');
});

test('on managed instances it asks several times at once', async (t) => {
  const env = { AWS_LAMBDA_MAX_CONCURRENCY: '4', AWS_LAMBDA_NODEJS_WORKER_COUNT: '4' };
  const { api } = await startClient(t, 'echo', env);
  await api.untilAsked(4, 10_000);
  const outcomes = await Promise.all([1, 2, 3, 4].map((event) => api.invoke(event, { timeoutMs: 10_000 })));
  assert.deepEqual(
    outcomes.map((outcome) => JSON.parse(response(outcome).body.toString()).event),
    [1, 2, 3, 4],
  );
  assert.equal(api.mostAtOnce, 4);
});
