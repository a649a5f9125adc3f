// The load generator is what the promise "nothing is lost" is measured with: it must see every way to lose something.

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { assertNothingLost, type LoadResult, startLoad, summary } from '../../support/load.ts';

const wellBehaved: RequestListener = (request, response) => {
  response.setHeader('x-pid', process.pid);
  if (request.method !== 'POST') {
    response.end('hello');
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.end(Buffer.concat(chunks)));
};

async function loadOn(listener: RequestListener, requests = 200, timeoutMs = 20_000): Promise<LoadResult> {
  const server = createServer(listener).listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await using load = await startLoad({
      port: (server.address() as AddressInfo).port,
      keepAlive: 4,
      fresh: 2,
      timeoutMs,
    });
    await load.reached(requests);
    return await load.stop();
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Behaves, but does something else with every 20th request. */
function sometimes(other: RequestListener): RequestListener {
  let n = 0;
  return (request, response) => {
    n += 1;
    if (n % 20 === 0) other(request, response);
    else wellBehaved(request, response);
  };
}

test('a good server loses nothing, and every answer is counted', async () => {
  const result = await loadOn(wellBehaved, 500);
  assertNothingLost(result, 500);
  assert.equal(result.byPid[process.pid], result.ok);
});

test('an answer that says Connection: close is no failure', async () => {
  const result = await loadOn((request, response) => {
    response.setHeader('connection', 'close');
    wellBehaved(request, response);
  });
  assertNothingLost(result, 200);
  assert.ok(result.connections >= result.ok);
});

test('a connection that is cut is counted', async () => {
  const result = await loadOn(sometimes((request) => request.socket.destroy()));
  assert.ok((summary(result).closed ?? 0) + (summary(result).ECONNRESET ?? 0) > 0);
  assert.throws(() => assertNothingLost(result), /requests were lost/);
});

test('half an answer is counted', async () => {
  const result = await loadOn(
    sometimes((_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('hello');
      setImmediate(() => response.destroy());
    }),
  );
  assert.ok((summary(result).closed ?? 0) + (summary(result).ECONNRESET ?? 0) > 0);
});

test('a wrong body and a wrong status are counted', async () => {
  const result = await loadOn(
    sometimes((request, response) => {
      request.resume();
      response.statusCode = Math.random() < 0.5 ? 200 : 503;
      response.end('something else');
    }),
    400,
  );
  assert.ok((summary(result).corrupt ?? 0) > 0);
  assert.ok((summary(result)['status 503'] ?? 0) > 0);
});

test('a request that is never answered is hung', async () => {
  const result = await loadOn(
    sometimes(() => {}),
    100,
    300,
  );
  assert.ok(result.hung > 0);
});

test('a refused connection is counted', async () => {
  const server = createServer(wellBehaved).listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
  await using load = await startLoad({ port: (server.address() as AddressInfo).port, keepAlive: 2, fresh: 2 });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  while (load.failed === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.ok((summary(await load.stop()).ECONNREFUSED ?? 0) > 0);
});
