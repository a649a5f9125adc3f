// Where the application is found, and what Lambda's variables allow.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf } from '../../../src/lambda/translate/address.ts';
import { concurrencyOf, initWaitMs, patienceMs } from '../../../src/lambda/translate/limits.ts';
import type { Listener } from '../../../src/supervisor/vocabulary/listener.ts';

const web: Listener = { protocol: 'tcp', address: '::', port: 8080, scheme: 'http' };
const metrics: Listener = { protocol: 'tcp', address: '127.0.0.1', port: 9100, scheme: 'http' };
const socket: Listener = { protocol: 'unix', path: '/tmp/app.sock', scheme: 'http' };
const raw: Listener = { protocol: 'tcp', address: '0.0.0.0', port: 7000 };

test('the application is asked where it listens', () => {
  const anywhere = [
    { secure: false, host: '127.0.0.1', port: 8080 },
    { secure: false, host: '::1', port: 8080 },
  ];
  assert.deepEqual(addressesOf([web], undefined), anywhere);
  assert.deepEqual(addressesOf([metrics, web], '8080'), anywhere);
  assert.deepEqual(addressesOf([metrics, web], undefined), [{ secure: false, host: '127.0.0.1', port: 9100 }]);
  assert.deepEqual(addressesOf([raw, socket], undefined), [{ secure: false, socketPath: '/tmp/app.sock' }]);
  assert.deepEqual(addressesOf([raw], '8080'), [{ secure: false, host: '127.0.0.1', port: 7000 }]);
  assert.deepEqual(addressesOf([{ ...web, address: '10.0.0.1', scheme: 'https' }], undefined), [
    { secure: true, host: '10.0.0.1', port: 8080 },
  ]);
  assert.deepEqual(addressesOf([{ protocol: 'udp', address: '0.0.0.0', port: 53 }], undefined), []);
});

test('one invocation at a time, or what the environment grants', () => {
  const given = [undefined, '16', '1', '0', '-3', 'many', '1.5'];
  const granted = given.map((value) => concurrencyOf(value === undefined ? {} : { AWS_LAMBDA_MAX_CONCURRENCY: value }));
  assert.deepEqual(granted, [1, 16, 1, 1, 1, 1, 1]);
});

test('an init of ten seconds is not waited for to its end, unless it may last longer', () => {
  assert.equal(initWaitMs({}, 300), 9200);
  assert.equal(initWaitMs({ AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand' }, 20_000), 0);
  assert.equal(initWaitMs({ AWS_LAMBDA_INITIALIZATION_TYPE: 'provisioned-concurrency' }, 300), null);
  assert.equal(initWaitMs({ AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start' }, 300), null);
  assert.equal(initWaitMs({ AWS_LAMBDA_MAX_CONCURRENCY: '10' }, 300), null);
});

test('a failure is told shortly before the time is up', () => {
  assert.equal(patienceMs(3000, 0), 2700);
  assert.equal(patienceMs(900_000, 0), 899_500);
  assert.equal(patienceMs(1000, 900), 90);
  assert.equal(patienceMs(1000, 2000), 0);
  assert.equal(patienceMs(Number.NaN, 0), null);
});
