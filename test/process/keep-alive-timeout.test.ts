// Promise: keepAliveTimeout is a matter of configuration, for servers that say nothing of it themselves.

import assert from 'node:assert/strict';
import { Server } from 'node:http';
import { test } from 'node:test';
import { NODE_KEEP_ALIVE_MS } from '../../src/worker/keep-alive.ts';
import { freePort } from '../support/free-port.ts';
import { fixture, startSupervised } from '../support/supervised.ts';

/** What the server promises its clients: `timeout=65`. */
const promised = async (port: number): Promise<string | null> =>
  (await fetch(`http://127.0.0.1:${port}/`)).headers.get('keep-alive');

test('keepAliveTimeout sets that of a server which has the default of Node, and of no other', async (t) => {
  assert.equal(new Server().keepAliveTimeout, NODE_KEEP_ALIVE_MS, 'the default is known');
  const [port, own] = [await freePort(), await freePort()];
  await startSupervised(t, {
    ...{ entry: fixture('keep-alive-own.cjs'), workers: 1, keepAliveTimeout: '65s' },
    env: { PORT: String(port), OWN_PORT: String(own) },
  });
  assert.equal(await promised(port), 'timeout=65');
  assert.equal(await promised(own), 'timeout=7');
});
