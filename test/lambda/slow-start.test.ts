// An app that takes longer to start than Lambda's init may last: the init ends in time, and the first request waits for the app.
// Run by `npm run test:lambda`, because it takes as long as that.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LambdaRuntimeApi } from '../support/lambda-runtime-api.ts';
import { binPath, root, startRig } from '../support/rig.ts';

test('the first request waits for an app that is not ready after 10 s', async () => {
  const api = await LambdaRuntimeApi.start();
  const begun = performance.now();
  const rig = await startRig({
    fixture: 'slow-start.cjs',
    command: [binPath, 'lambda', `${root}test/fixtures/slow-start.cjs`, '--json'],
    env: { AWS_LAMBDA_RUNTIME_API: api.address, START_MS: '13000' },
    ready: 0,
  });
  try {
    await api.untilAsked();
    const askedAfterMs = performance.now() - begun;
    assert.ok(askedAfterMs < 10_000, String(askedAfterMs));
    assert.equal(rig.events.all('worker-ready').length, 0);
    const http = { method: 'GET', path: '/' };
    const outcome = await api.invoke({ version: '2.0', rawPath: '/', headers: {}, requestContext: { http } });
    assert.equal(outcome.type, 'response', JSON.stringify(outcome));
    assert.ok(performance.now() - begun >= 13_000);
  } finally {
    await rig[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  }
});
