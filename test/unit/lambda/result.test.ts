// Responses become results in the words of the front that asked, and no byte of them changes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ALBResult, APIGatewayProxyResult, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { EventKind } from '../../../src/lambda/translate/event.ts';
import type { Header } from '../../../src/lambda/translate/header-text.ts';
import { eventResult, preludeOf, resultOf } from '../../../src/lambda/translate/result.ts';

function result<T>(kind: EventKind, headers: Header[], body: Buffer | string = '', status = 200, method = 'GET'): T {
  return JSON.parse(resultOf(kind, { status, headers }, Buffer.from(body), method));
}

const cookies: Header[] = [
  ['Set-Cookie', 'a=1; Path=/'],
  ['Set-Cookie', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
  ['Vary', 'Origin'],
  ['Vary', 'Accept'],
];

test('HTTP API and function URL: cookies apart, other headers joined', () => {
  const expected: APIGatewayProxyStructuredResultV2 = {
    statusCode: 200,
    headers: { vary: 'Origin, Accept' },
    cookies: ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
    body: 'hello',
    isBase64Encoded: false,
  };
  assert.deepEqual(result('http', cookies, 'hello'), expected);
});

test('REST API: every value of every header', () => {
  const expected: Omit<APIGatewayProxyResult, 'headers'> = {
    statusCode: 404,
    multiValueHeaders: {
      'set-cookie': ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
      vary: ['Origin', 'Accept'],
    },
    body: 'no',
    isBase64Encoded: false,
  };
  assert.deepEqual(result('rest', cookies, 'no', 404), expected);
});

test('load balancer with multi-value headers', () => {
  const expected: ALBResult = {
    statusCode: 201,
    statusDescription: '201 Created',
    multiValueHeaders: { 'set-cookie': ['a=1; Path=/', cookies[1]?.[1] ?? ''], vary: ['Origin', 'Accept'] },
    body: '',
    isBase64Encoded: false,
  };
  assert.deepEqual(result('alb-multi', cookies, '', 201), expected);
});

test('load balancer: one value for each name, and a spelling for each cookie', () => {
  const { headers = {}, statusDescription } = result<ALBResult>('alb', cookies, '', 599);
  assert.equal(statusDescription, '599');
  assert.deepEqual(headers, { vary: 'Origin, Accept', 'set-cookie': 'a=1; Path=/', 'Set-cookie': cookies[1]?.[1] });
  const many = Array.from({ length: 20 }, (_, index): Header => ['set-cookie', `n${index}=1`]);
  const names = Object.keys(result<ALBResult>('alb', many).headers ?? {});
  assert.equal(names.length, 20);
  assert.ok(names.every((name) => name.toLowerCase() === 'set-cookie'));
});

test('what concerns the connection, and the length, stay behind', () => {
  const headers: Header[] = [
    ['Connection', 'keep-alive'],
    ['Keep-Alive', 'timeout=5'],
    ['Transfer-Encoding', 'chunked'],
    ['Content-Length', '5'],
    ['ETag', '"x"'],
  ];
  const { headers: got } = result<APIGatewayProxyStructuredResultV2>('http', headers, 'hello');
  assert.deepEqual(got, { etag: '"x"' });
  const head = result<APIGatewayProxyStructuredResultV2>('http', headers, '', 200, 'HEAD');
  assert.deepEqual(head.headers, { 'content-length': '5', etag: '"x"' });
});

test('header values are text: UTF-8 where they are that', () => {
  const utf8 = Buffer.from('attachment; filename="ü.pdf"').toString('latin1');
  const headers: Header[] = [
    ['content-disposition', utf8],
    ['x-latin', 'J\u00f6rg'],
    ['__proto__', 'x'],
  ];
  const got = result<APIGatewayProxyStructuredResultV2>('http', headers).headers ?? {};
  assert.equal(got['content-disposition'], 'attachment; filename="ü.pdf"');
  assert.equal(got['x-latin'], 'Jörg');
  assert.ok(Object.hasOwn(got, '__proto__'));
});

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff]);
const bodies: readonly [name: string, headers: Header[], body: Buffer | string, isText: boolean][] = [
  ['text', [['Content-Type', 'text/html; charset=utf-8']], '<p>ü', true],
  ['JSON', [['content-type', 'application/json']], '{"a":"ü"}', true],
  ['JSON of a kind', [['content-type', 'application/problem+json']], '{}', true],
  ['a drawing', [['content-type', 'image/svg+xml']], '<svg/>', true],
  ['a form', [['content-type', 'application/x-www-form-urlencoded']], 'a=1', true],
  ['events', [['content-type', 'text/event-stream']], 'data: 1\n\n', true],
  ['no type', [], 'hello', true],
  ['no body', [['content-type', 'image/png']], '', true],
  ['a picture', [['content-type', 'image/png']], png, false],
  ['any bytes', [['content-type', 'application/octet-stream']], 'hello', false],
  [
    'text that is compressed',
    [
      ['content-type', 'text/html'],
      ['content-encoding', 'gzip'],
    ],
    'x',
    false,
  ],
  [
    'text that is not compressed, and says so',
    [
      ['content-type', 'text/html'],
      ['content-encoding', 'identity'],
    ],
    'x',
    true,
  ],
  ['text that is no UTF-8', [['content-type', 'text/html; charset=iso-8859-1']], Buffer.from([0x4a, 0xf6]), false],
  ['no type and no UTF-8', [], png, false],
];
for (const [name, headers, body, isText] of bodies) {
  test(`a body comes through: ${name}`, () => {
    const got = result<APIGatewayProxyStructuredResultV2>('http', headers, body);
    assert.equal(got.isBase64Encoded, !isText);
    assert.deepEqual(Buffer.from(got.body ?? '', isText ? 'utf8' : 'base64'), Buffer.from(body));
  });
}

test('the head of a stream ends with eight zeros, and nothing in it is one', () => {
  const prelude = preludeOf('http', { status: 200, headers: cookies }, 'GET');
  assert.deepEqual(prelude.subarray(-8), Buffer.alloc(8));
  assert.equal(prelude.indexOf(0), prelude.length - 8);
  assert.deepEqual(JSON.parse(prelude.subarray(0, -8).toString()), {
    statusCode: 200,
    headers: { vary: 'Origin, Accept' },
    cookies: ['a=1; Path=/', cookies[1]?.[1]],
  });
});

test('other events are answered with the JSON of the application', () => {
  const answers: [body: string, json: string][] = [
    ['{"batchItemFailures":[]}', '{"batchItemFailures":[]}'],
    ['', 'null'],
    ['\n', 'null'],
    ['OK', '"OK"'],
    ['1', '1'],
  ];
  for (const [body, json] of answers) assert.equal(eventResult(Buffer.from(body)), json);
});
