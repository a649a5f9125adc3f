// Promise: whatever an event says, the application is sent a request that Node takes, and an event that is none is not taken for one.

import assert from 'node:assert/strict';
import { validateHeaderValue } from 'node:http';
import { test } from 'node:test';
import { addressesOf } from '../../../src/lambda/translate/address.ts';
import { canStream, fieldsOf, kindOf } from '../../../src/lambda/translate/event.ts';
import { asciiJson, isHopByHop, textValue, wireValue } from '../../../src/lambda/translate/header-text.ts';
import { normalBasePath, targetOf } from '../../../src/lambda/translate/target.ts';
import type { Listener } from '../../../src/supervisor/vocabulary/listener.ts';

const odd = ['', 'a b', '%', '%zz', '%41', 'ü', '🎼', '\ud800', 'a\nb', '\r\nX: y', '\0', '\x7f', '"<>\\^`{|}'];

test('a path is one that Node sends, and nothing in it becomes a query or a fragment', () => {
  for (const text of odd) {
    for (const [event, kind] of [
      [{ rawPath: `/x${text}y`, rawQueryString: '' }, 'http'],
      [{ path: `/x${text}y` }, 'rest'],
      [{ path: `/x${text}y` }, 'alb'],
    ] as const) {
      const target = targetOf(event, kind, '');
      assert.match(target, /^\/[\x21-\x7e]*$/, JSON.stringify(text));
      assert.doesNotMatch(target, /[?#]|%(?![0-9a-fA-F]{2})/);
    }
  }
});

test('a path is as the client typed it where it can be', () => {
  for (const [path, expected] of [
    ['/a/b', '/a/b'],
    ['/a%2Fb', '/a%2Fb'],
    ['/a?b#c', '/a%3Fb%23c'],
    ['/100%', '/100%25'],
    ['//a//b/', '//a//b/'],
    ['/../a', '/../a'],
    ['a', '/a'],
    ['', '/'],
    ['*', '*'],
    ['/ü', '/%C3%BC'],
    ['/\ud800', '/%EF%BF%BD'],
  ] as const) {
    assert.equal(targetOf({ rawPath: path }, 'http', ''), expected);
  }
});

test('a query comes from where its front writes it, every value of every name', () => {
  const multiValueQueryStringParameters = { a: ['1', '2'], b: ['x&y=z', 'ü'] };
  for (const [kind, event, expected] of [
    ['http', { rawQueryString: 'a=1&a=2&b=%26' }, '?a=1&a=2&b=%26'],
    ['http', { rawQueryString: 'a=ü#x' }, '?a=%C3%BC%23x'],
    ['http', { rawQueryString: 5 }, ''],
    ['http', {}, ''],
    ['rest', { multiValueQueryStringParameters }, '?a=1&a=2&b=x%26y%3Dz&b=%C3%BC'],
    ['rest', { queryStringParameters: { a: '1' }, multiValueQueryStringParameters: null }, '?a=1'],
    ['rest', { queryStringParameters: { a: '\ud800' } }, '?a=%EF%BF%BD'],
    ['rest', { queryStringParameters: { '': null } }, '?='],
    ['alb', { queryStringParameters: { a: 'x%26y', b: '' } }, '?a=x%26y&b='],
    ['alb-multi', { multiValueQueryStringParameters: { a: ['%', '2'] } }, '?a=%25&a=2'],
    ['alb', { queryStringParameters: {} }, ''],
  ] as const) {
    assert.equal(targetOf({ path: '/p', rawPath: '/p', ...event }, kind, ''), `/p${expected}`);
  }
});

test('a base path is taken off as whole segments, and only from the beginning', () => {
  for (const [typed, path, expected] of [
    ['', '/v1/a', '/v1/a'],
    ['/', '/v1/a', '/v1/a'],
    ['v1', '/v1/a', '/a'],
    ['/v1/', '/v1', '/'],
    ['//v1//', '/v1/', '/'],
    ['/v1', '/v10/a', '/v10/a'],
    ['/v1', '/a/v1', '/a/v1'],
    ['/v1/x', '/v1/x/y', '/y'],
    ['/v1', '/v1/v1', '/v1'],
  ] as const) {
    assert.equal(targetOf({ path }, 'alb', normalBasePath(typed)), expected, `${typed} ${path}`);
  }
});

test('an event is of one kind, whatever else is in it', () => {
  const http = { rawPath: '/', requestContext: { http: { method: 'GET' } } };
  const rest = { httpMethod: 'GET', path: '/' };
  for (const [event, kind] of [
    [http, 'http'],
    [rest, 'rest'],
    [{ ...rest, requestContext: { elb: {} } }, 'alb'],
    [{ ...rest, requestContext: { elb: {} }, multiValueHeaders: {} }, 'alb'],
    [{ ...rest, requestContext: { elb: {} }, multiValueHeaders: { host: ['a'] } }, 'alb-multi'],
    [{ ...rest, multiValueHeaders: { host: ['a'] } }, 'rest'],
    [{ ...rest, methodArn: 'arn' }, 'other'],
    [{ ...http, routeArn: 'arn' }, 'other'],
    [{ ...http, requestContext: { http: {} } }, 'other'],
    [{ Records: [{ body: JSON.stringify(rest) }] }, 'other'],
    [{ httpMethod: 'GET' }, 'other'],
    [{ httpMethod: 1, path: '/' }, 'other'],
    [[rest], 'other'],
    [null, 'other'],
    ['text', 'other'],
    [undefined, 'other'],
  ] as const) {
    assert.equal(kindOf(event), kind, JSON.stringify(event));
  }
});

test('what is no object has no fields', () => {
  for (const value of [null, undefined, 1, 'a', [1], true]) assert.deepEqual(fieldsOf(value), {});
  assert.deepEqual(fieldsOf({ a: 1 }), { a: 1 });
});

test('only a front that reads the head of a stream is sent one', () => {
  const at = (domainName?: string) => ({ requestContext: { domainName } });
  for (const [event, kind, expected] of [
    [at('x.lambda-url.eu-west-1.on.aws'), 'http', true],
    [at(undefined), 'http', true],
    [at('x.execute-api.eu-west-1.amazonaws.com'), 'http', false],
    [at('shop.example.com'), 'http', false],
    [{}, 'rest', true],
    [{ version: '1.0' }, 'rest', false],
    [{}, 'alb', false],
    [{}, 'other', false],
  ] as const) {
    assert.equal(canStream(event, kind), expected, JSON.stringify(event));
  }
});

test('text comes through a header as it was', () => {
  for (const text of ['', 'plain', 'tab\there', 'ü', '→🎼', 'ÿ', 'a\u00a0b']) {
    const wire = wireValue(text);
    assert.doesNotThrow(() => validateHeaderValue('x', wire), text);
    assert.equal(textValue(wire), text);
  }
});

test('bytes that are no UTF-8 stay what they are', () => {
  for (const wire of ['\xff', 'caf\xe9', '\xc3', '\xed\xa0\x80']) assert.equal(textValue(wire), wire);
});

test('JSON in a header is ASCII, and the same JSON', () => {
  for (const value of [...odd, { a: odd }, null, [1, 'é'], '\u2028\u007f']) {
    const text = asciiJson(value);
    assert.match(text, /^[\x20-\x7e]*$/);
    assert.deepEqual(JSON.parse(text), value);
  }
});

test('headers of one connection are known by their names in lower case', () => {
  for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te']) assert.ok(isHopByHop(name));
  for (const name of ['host', 'content-length', 'cookie', 'te-st', '']) assert.equal(isHopByHop(name), false);
});

const tcp = (port: number, more: Partial<Listener> = {}): Listener => ({
  protocol: 'tcp',
  address: '::',
  port,
  ...more,
});

test('the application is asked where it was told to listen, else where it speaks HTTP, else where it listens first', () => {
  const http = tcp(4000, { scheme: 'http' });
  const all = [tcp(9229), http, tcp(3000)];
  for (const [listeners, port, expected] of [
    [all, '3000', 3000],
    [all, '8080', 4000],
    [all, undefined, 4000],
    [[tcp(9229), tcp(3000)], undefined, 9229],
    [[{ protocol: 'udp', port: 3000, address: '::' }, tcp(53)], '3000', 53],
  ] as const) {
    const [first] = addressesOf(listeners, port);
    assert.equal(first !== undefined && 'port' in first ? first.port : null, expected);
  }
});

test('an address that stands for all is reached on loopback, another as it is', () => {
  for (const [listener, expected] of [
    [tcp(1, { address: '0.0.0.0' }), [{ secure: false, host: '127.0.0.1', port: 1 }]],
    [
      tcp(1, { scheme: 'https' }),
      [
        { secure: true, host: '127.0.0.1', port: 1 },
        { secure: true, host: '::1', port: 1 },
      ],
    ],
    [tcp(1, { address: '10.0.0.1' }), [{ secure: false, host: '10.0.0.1', port: 1 }]],
    [{ protocol: 'unix', path: '/run/a.sock' }, [{ secure: false, socketPath: '/run/a.sock' }]],
    [{ protocol: 'tcp' }, []],
  ] as const) {
    assert.deepEqual(addressesOf([listener as Listener], undefined), expected);
  }
  assert.deepEqual(addressesOf([], '3000'), []);
});
