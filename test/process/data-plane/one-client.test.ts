// Promise: ip-hash behind a proxy, where one worker gets everything, is told of.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import { startSupervised } from '../../support/supervised.ts';

/** On a connection of its own. */
const get = (port: number, localAddress: string) => fetch({ port, agent: new Agent({ localAddress }) });

test('with ip-hash, clients that all have one address are told of, and clients of several are not', async (t) => {
  const behind = await startSupervised(t, { balance: 'ip-hash', workers: 1 });
  const open = await startSupervised(t, { balance: 'ip-hash', workers: 1 });
  for (let round = 0; round < 11; round += 1) {
    const ten = Array.from({ length: 10 }, (_, at) => at + 1);
    await Promise.all(
      ten.map((at) => Promise.all([get(behind.port(), '127.0.0.1'), get(open.port(), `127.0.0.${at}`)])),
    );
  }
  const event = await eventually('an event', () => behind.events.find(({ type }) => type === 'one-client'));
  assert.match(event.type === 'one-client' ? event.address : '', /^127\.0\.0\.1$/);
  assert.match(behind.app.snapshot().oneClient ?? '', /^127\.0\.0\.1$/);
  assert.ok(!open.events.some(({ type }) => type === 'one-client'));
});
