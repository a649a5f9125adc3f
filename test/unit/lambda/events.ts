// Invocation events as AWS documents them, and variations of what clients send; each with the request that it must become.

import type {
  ALBEvent,
  APIGatewayProxyEvent,
  APIGatewayProxyEventV2,
  APIGatewayProxyWebsocketEventV2,
  APIGatewayRequestAuthorizerEvent,
  DynamoDBStreamEvent,
  EventBridgeEvent,
  KinesisStreamEvent,
  LambdaFunctionURLEvent,
  S3Event,
  SNSEvent,
  SQSEvent,
} from 'aws-lambda';
import type { EventKind } from '../../../src/lambda/translate/event.ts';

export interface EventCase {
  name: string;
  event: unknown;
  kind: EventKind;
  method?: string;
  target?: string;
  /** Every header but those of the invocation itself; where it is left out, they are not looked at. */
  headers?: readonly (readonly [string, string])[];
  body?: Buffer | null;
  basePath?: string;
}

/** Payload format 2.0 of an HTTP API. */
const httpApi: APIGatewayProxyEventV2 = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/my/path',
  rawQueryString: 'parameter1=value1&parameter1=value2&parameter2=value',
  cookies: ['cookie1', 'cookie2'],
  headers: { header1: 'value1', header2: 'value1,value2', host: 'id.execute-api.us-east-1.amazonaws.com' },
  queryStringParameters: { parameter1: 'value1,value2', parameter2: 'value' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'api-id',
    domainName: 'id.execute-api.us-east-1.amazonaws.com',
    domainPrefix: 'id',
    http: { method: 'POST', path: '/my/path', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'agent' },
    requestId: 'id',
    routeKey: '$default',
    stage: '$default',
    time: '12/Mar/2020:19:03:58 +0000',
    timeEpoch: 1583348638390,
  },
  body: 'Hello from client!',
  pathParameters: { parameter1: 'value1' },
  isBase64Encoded: false,
  stageVariables: { stageVariable1: 'value1', stageVariable2: 'value2' },
};

const functionUrl: LambdaFunctionURLEvent = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/',
  rawQueryString: '',
  cookies: ['a=1', 'b=2'],
  headers: {
    cookie: 'a=1; b=2',
    host: 'url-id.lambda-url.us-west-2.on.aws',
    'x-forwarded-for': '123.123.123.123',
    'x-forwarded-port': '443',
    'x-forwarded-proto': 'https',
    'x-amzn-trace-id': 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e',
  },
  requestContext: {
    accountId: 'anonymous',
    apiId: 'url-id',
    authentication: null,
    domainName: 'url-id.lambda-url.us-west-2.on.aws',
    domainPrefix: 'url-id',
    http: { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '123.123.123.123', userAgent: 'agent' },
    requestId: 'id',
    routeKey: '$default',
    stage: '$default',
    time: '12/Mar/2020:19:03:58 +0000',
    timeEpoch: 1583348638390,
  },
  isBase64Encoded: false,
} as unknown as LambdaFunctionURLEvent;

/** Lambda proxy integration of a REST API. */
const restApi: APIGatewayProxyEvent = {
  resource: '/{proxy+}',
  path: '/my/path',
  httpMethod: 'GET',
  headers: { Accept: '*/*', Host: '70ixmpl4fl.execute-api.us-east-2.amazonaws.com', 'X-Forwarded-Proto': 'https' },
  multiValueHeaders: {
    Accept: ['*/*'],
    Host: ['70ixmpl4fl.execute-api.us-east-2.amazonaws.com'],
    'X-Forwarded-Proto': ['https'],
  },
  queryStringParameters: { name: 'me' },
  multiValueQueryStringParameters: { name: ['me'] },
  pathParameters: { proxy: 'my/path' },
  stageVariables: null,
  requestContext: {
    resourceId: '2gxmpl',
    resourcePath: '/{proxy+}',
    httpMethod: 'GET',
    extendedRequestId: 'JJbxmplHYosFVYQ=',
    requestTime: '10/Mar/2020:00:03:59 +0000',
    path: '/Prod/my/path',
    accountId: '123456789012',
    protocol: 'HTTP/1.1',
    stage: 'Prod',
    domainPrefix: '70ixmpl4fl',
    requestTimeEpoch: 1583798639428,
    requestId: '77375676-xmpl-4b79-853a-f982474efe18',
    identity: { sourceIp: '52.255.255.12', userAgent: 'curl/8' } as APIGatewayProxyEvent['requestContext']['identity'],
    domainName: '70ixmpl4fl.execute-api.us-east-2.amazonaws.com',
    apiId: '70ixmpl4fl',
    authorizer: null,
  },
  body: null,
  isBase64Encoded: false,
};

const elb = {
  elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/6d0ecf831eec9f09' },
};

const balancer: ALBEvent = {
  requestContext: elb,
  httpMethod: 'GET',
  path: '/',
  queryStringParameters: {},
  headers: { host: 'lambda-846800462-us-east-2.elb.amazonaws.com', 'x-forwarded-proto': 'https' },
  body: '',
  isBase64Encoded: false,
};

const balancerMulti: ALBEvent = {
  requestContext: elb,
  httpMethod: 'GET',
  path: '/',
  multiValueQueryStringParameters: {},
  multiValueHeaders: { host: ['lambda-846800462-us-east-2.elb.amazonaws.com'], 'x-forwarded-proto': ['https'] },
  body: '',
  isBase64Encoded: false,
};

const http = (more: Partial<APIGatewayProxyEventV2>, method = 'GET'): APIGatewayProxyEventV2 => {
  const { body: _, cookies: __, ...rest } = httpApi;
  const { requestContext } = httpApi;
  return {
    ...rest,
    rawQueryString: '',
    requestContext: { ...requestContext, http: { ...requestContext.http, method } },
    ...more,
  };
};
const rest = (more: Partial<APIGatewayProxyEvent>): APIGatewayProxyEvent => ({ ...restApi, ...more });
const query = (values: Record<string, string[]>): Partial<APIGatewayProxyEvent> => ({
  queryStringParameters: Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.at(-1)])),
  multiValueQueryStringParameters: values,
});
const alb = (more: Partial<ALBEvent>): ALBEvent => ({ ...balancer, ...more });
const multi = (more: Partial<ALBEvent>): ALBEvent => ({ ...balancerMulti, ...more });

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0xff]);

export const httpCases: readonly EventCase[] = [
  {
    name: 'HTTP API, the documented event',
    event: httpApi,
    kind: 'http',
    method: 'POST',
    target: '/my/path?parameter1=value1&parameter1=value2&parameter2=value',
    headers: [
      ['header1', 'value1'],
      ['header2', 'value1,value2'],
      ['host', 'id.execute-api.us-east-1.amazonaws.com'],
      ['cookie', 'cookie1; cookie2'],
      ['content-length', '18'],
    ],
    body: Buffer.from('Hello from client!'),
  },
  {
    name: 'HTTP API, the raw query is not touched',
    event: http({ rawQueryString: 'a=1%202&b=%2B+c&d&e=' }),
    kind: 'http',
    target: '/my/path?a=1%202&b=%2B+c&d&e=',
  },
  {
    name: 'HTTP API, a query of percent signs',
    event: http({ rawQueryString: 'q=100%25&r=%zz' }),
    kind: 'http',
    target: '/my/path?q=100%25&r=%25zz',
  },
  {
    name: 'HTTP API, a path that was decoded: blanks',
    event: http({ rawPath: '/a b/c' }),
    kind: 'http',
    target: '/a%20b/c',
  },
  {
    name: 'HTTP API, a path that was decoded: letters',
    event: http({ rawPath: '/münchen/東京' }),
    kind: 'http',
    target: '/m%C3%BCnchen/%E6%9D%B1%E4%BA%AC',
  },
  {
    name: 'HTTP API, a path that was decoded: ? and #',
    event: http({ rawPath: '/me?admin=true#x', rawQueryString: 'a=1' }),
    kind: 'http',
    target: '/me%3Fadmin=true%23x?a=1',
  },
  { name: 'HTTP API, a path that was decoded: %', event: http({ rawPath: '/100%' }), kind: 'http', target: '/100%25' },
  { name: 'HTTP API, a lone surrogate', event: http({ rawPath: '/a\ud800b' }), kind: 'http', target: '/a%EF%BF%BDb' },
  {
    name: 'HTTP API, the stage is part of the path',
    event: http({ rawPath: '/prod/users' }),
    kind: 'http',
    target: '/prod/users',
  },
  {
    name: 'HTTP API, the stage is taken off',
    event: http({ rawPath: '/prod/users' }),
    kind: 'http',
    basePath: '/prod',
    target: '/users',
  },
  {
    name: 'HTTP API, nothing but the stage',
    event: http({ rawPath: '/prod' }),
    kind: 'http',
    basePath: '/prod',
    target: '/',
  },
  {
    name: 'HTTP API, no stage but a word that begins like it',
    event: http({ rawPath: '/products' }),
    kind: 'http',
    basePath: '/prod',
    target: '/products',
  },
  {
    name: 'HTTP API, base path twice: once is enough',
    event: http({ rawPath: '/prod/prod/x' }),
    kind: 'http',
    basePath: '/prod',
    target: '/prod/x',
  },
  { name: 'HTTP API, double slashes stay', event: http({ rawPath: '//a//b' }), kind: 'http', target: '//a//b' },
  {
    name: 'HTTP API, JSON with letters',
    event: http(
      { body: '{"name":"Jörg"}', headers: { 'content-type': 'application/json', 'content-length': '999' } },
      'PUT',
    ),
    kind: 'http',
    method: 'PUT',
    body: Buffer.from('{"name":"Jörg"}'),
    headers: [
      ['host', 'localhost'],
      ['content-type', 'application/json'],
      ['content-length', '16'],
    ],
  },
  {
    name: 'HTTP API, a binary body',
    event: http({ body: png.toString('base64'), isBase64Encoded: true }, 'POST'),
    kind: 'http',
    method: 'POST',
    body: png,
  },
  {
    name: 'HTTP API, POST without a body',
    event: http({ headers: {} }, 'POST'),
    kind: 'http',
    method: 'POST',
    body: null,
    headers: [
      ['host', 'localhost'],
      ['content-length', '0'],
    ],
  },
  {
    name: 'HTTP API, GET without a body',
    event: http({ headers: {} }),
    kind: 'http',
    method: 'GET',
    body: null,
    headers: [['host', 'localhost']],
  },
  {
    name: 'HTTP API, OPTIONS',
    event: http({ headers: { origin: 'https://x.example' } }, 'OPTIONS'),
    kind: 'http',
    method: 'OPTIONS',
    headers: [
      ['host', 'localhost'],
      ['origin', 'https://x.example'],
    ],
  },
  {
    name: 'HTTP API, DELETE with a body',
    event: http({ body: 'why' }, 'DELETE'),
    kind: 'http',
    method: 'DELETE',
    body: Buffer.from('why'),
  },
  {
    name: 'HTTP API, what concerns the connection stays behind',
    event: http({
      headers: {
        connection: 'keep-alive',
        'keep-alive': 'timeout=5',
        'transfer-encoding': 'chunked',
        te: 'trailers',
        upgrade: 'websocket',
        expect: '100-continue',
        'proxy-connection': 'x',
        accept: '*/*',
      },
    }),
    kind: 'http',
    headers: [
      ['host', 'localhost'],
      ['accept', '*/*'],
    ],
  },
  {
    name: 'HTTP API, the contexts cannot be forged',
    event: http({
      headers: {
        'x-amzn-request-context': '{"authorizer":"me"}',
        'X-Amzn-Lambda-Context': '{}',
        'x-amz-tenant-id': 'other',
      },
    }),
    kind: 'http',
    headers: [['host', 'localhost']],
  },
  {
    name: 'HTTP API, letters in a header go as UTF-8',
    event: http({ headers: { 'x-name': 'Jörg' } }),
    kind: 'http',
    headers: [
      ['host', 'localhost'],
      ['x-name', 'J\u00c3\u00b6rg'],
    ],
  },
  {
    name: 'HTTP API, letters in a cookie go as UTF-8',
    event: http({ headers: {}, cookies: ['n=ö', 'm=1'] }),
    kind: 'http',
    headers: [
      ['host', 'localhost'],
      ['cookie', 'n=\u00c3\u00b6; m=1'],
    ],
  },
  {
    name: 'function URL, the documented event; cookies stand in two places',
    event: functionUrl,
    kind: 'http',
    method: 'GET',
    target: '/',
    headers: [
      ['host', 'url-id.lambda-url.us-west-2.on.aws'],
      ['x-forwarded-for', '123.123.123.123'],
      ['x-forwarded-port', '443'],
      ['x-forwarded-proto', 'https'],
      ['x-amzn-trace-id', 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e'],
      ['cookie', 'a=1; b=2'],
    ],
    body: null,
  },
  {
    name: 'function URL, the path is still encoded',
    event: { ...functionUrl, rawPath: '/a%2Fb%20c/%E6%9D%B1' },
    kind: 'http',
    target: '/a%2Fb%20c/%E6%9D%B1',
  },
  {
    name: 'function URL, a form',
    event: { ...functionUrl, body: Buffer.from('a=1&b=2').toString('base64'), isBase64Encoded: true },
    kind: 'http',
    body: Buffer.from('a=1&b=2'),
  },
  {
    name: 'function URL, signed by IAM',
    event: {
      ...functionUrl,
      requestContext: { ...functionUrl.requestContext, authorizer: { iam: { accessKey: 'AKIA…', userId: 'AIDA…' } } },
    },
    kind: 'http',
  },
  {
    name: 'REST API, the documented event',
    event: restApi,
    kind: 'rest',
    method: 'GET',
    target: '/my/path?name=me',
    headers: [
      ['accept', '*/*'],
      ['host', '70ixmpl4fl.execute-api.us-east-2.amazonaws.com'],
      ['x-forwarded-proto', 'https'],
    ],
    body: null,
  },
  {
    name: 'REST API, decoded parameters are encoded again',
    event: rest(query({ 'a b': ['1&2', 'ü'], c: ['x=y'] })),
    kind: 'rest',
    target: '/my/path?a%20b=1%262&a%20b=%C3%BC&c=x%3Dy',
  },
  {
    name: 'REST API, brackets and pluses',
    event: rest(query({ 'filter[name]': ['a+b'] })),
    kind: 'rest',
    target: '/my/path?filter%5Bname%5D=a%2Bb',
  },
  {
    name: 'REST API, a parameter without a value',
    event: rest(query({ flag: [''] })),
    kind: 'rest',
    target: '/my/path?flag=',
  },
  {
    name: 'REST API, no query',
    event: rest({ queryStringParameters: null, multiValueQueryStringParameters: null }),
    kind: 'rest',
    target: '/my/path',
  },
  {
    name: 'REST API, only single values of the query',
    event: rest({ multiValueQueryStringParameters: null }),
    kind: 'rest',
    target: '/my/path?name=me',
  },
  {
    name: 'REST API, the path is still encoded',
    event: rest({ path: '/a%2Fb/c%20d', ...query({}) }),
    kind: 'rest',
    target: '/a%2Fb/c%20d',
  },
  {
    name: 'REST API, a mapping of a custom domain is taken off',
    event: rest({ path: '/v1/users', ...query({}) }),
    kind: 'rest',
    basePath: '/v1',
    target: '/users',
  },
  {
    name: 'REST API, repeated headers and cookies',
    event: rest({ multiValueHeaders: { 'X-Tag': ['a', 'b'], Cookie: ['a=1', 'b=2'] } }),
    kind: 'rest',
    headers: [
      ['host', 'localhost'],
      ['x-tag', 'a'],
      ['x-tag', 'b'],
      ['cookie', 'a=1; b=2'],
    ],
  },
  {
    name: 'REST API, headers of the test console',
    event: rest({ headers: null as never, multiValueHeaders: null as never }),
    kind: 'rest',
    headers: [['host', 'localhost']],
  },
  {
    name: 'REST API, a binary body',
    event: rest({ httpMethod: 'POST', body: png.toString('base64'), isBase64Encoded: true }),
    kind: 'rest',
    method: 'POST',
    body: png,
  },
  {
    name: 'REST API, an empty body',
    event: rest({ httpMethod: 'PATCH', body: '' }),
    kind: 'rest',
    method: 'PATCH',
    body: Buffer.alloc(0),
  },
  {
    name: 'HTTP API with format 1.0',
    event: { ...rest({}), version: '1.0' },
    kind: 'rest',
    target: '/my/path?name=me',
  },
  {
    name: 'load balancer, the documented event',
    event: balancer,
    kind: 'alb',
    method: 'GET',
    target: '/',
    headers: [
      ['host', 'lambda-846800462-us-east-2.elb.amazonaws.com'],
      ['x-forwarded-proto', 'https'],
      ['content-length', '0'],
    ],
    body: Buffer.alloc(0),
  },
  {
    name: 'load balancer, its query is still encoded',
    event: alb({ queryStringParameters: { 'a%5Bb%5D': 'x%20y%26z', plus: '1+2' } }),
    kind: 'alb',
    target: '/?a%5Bb%5D=x%20y%26z&plus=1+2',
  },
  { name: 'load balancer, its path is still encoded', event: alb({ path: '/a%2Fb' }), kind: 'alb', target: '/a%2Fb' },
  {
    name: 'load balancer, POST',
    event: alb({ httpMethod: 'POST', body: '{"a":1}' }),
    kind: 'alb',
    method: 'POST',
    body: Buffer.from('{"a":1}'),
  },
  {
    name: 'load balancer, a binary body',
    event: alb({ httpMethod: 'POST', body: png.toString('base64'), isBase64Encoded: true }),
    kind: 'alb',
    body: png,
  },
  {
    name: 'load balancer, its health check',
    event: alb({ headers: { 'user-agent': 'ELB-HealthChecker/2.0' } }),
    kind: 'alb',
    headers: [
      ['host', 'localhost'],
      ['user-agent', 'ELB-HealthChecker/2.0'],
      ['content-length', '0'],
    ],
  },
  {
    name: 'load balancer, nobody listens to h2c',
    event: alb({ headers: { host: 'x', upgrade: 'h2c', connection: 'Upgrade, HTTP2-Settings' } }),
    kind: 'alb',
    headers: [
      ['host', 'x'],
      ['content-length', '0'],
    ],
  },
  {
    name: 'load balancer with multi-value headers',
    event: multi({
      multiValueHeaders: { host: ['x'], accept: ['text/html', 'text/plain'], cookie: ['name1=value1', 'name2=value2'] },
    }),
    kind: 'alb-multi',
    headers: [
      ['host', 'x'],
      ['accept', 'text/html'],
      ['accept', 'text/plain'],
      ['cookie', 'name1=value1; name2=value2'],
      ['content-length', '0'],
    ],
  },
  {
    name: 'load balancer with multi-value headers, repeated parameters',
    event: multi({ multiValueQueryStringParameters: { myKey: ['val1', 'val%202'], other: ['x'] } }),
    kind: 'alb-multi',
    target: '/?myKey=val1&myKey=val%202&other=x',
  },
  { name: 'load balancer with multi-value headers, no query', event: multi({}), kind: 'alb-multi', target: '/' },
  { name: 'load balancer, HEAD', event: alb({ httpMethod: 'HEAD' }), kind: 'alb', method: 'HEAD' },
];

const sqs: SQSEvent = {
  Records: [
    {
      messageId: '059f36b4-87a3-44ab-83d2-661975830a7d',
      receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...',
      body: 'Test message: ü',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '1545082649183',
        SenderId: 'AIDA',
        ApproximateFirstReceiveTimestamp: '1545082649185',
      },
      messageAttributes: {},
      md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-2:123456789012:my-queue',
      awsRegion: 'us-east-2',
    },
  ],
};

const authorizer = {
  ...restApi,
  type: 'REQUEST',
  methodArn: 'arn:aws:execute-api:us-east-1:123456789012:abcdef123/test/GET/request',
} as unknown as APIGatewayRequestAuthorizerEvent;

const websocket = {
  routeKey: '$connect',
  requestContext: { eventType: 'CONNECT', connectionId: 'L0SM9cOFvHcCIhw=', stage: 'prod' },
  isBase64Encoded: false,
} as unknown as APIGatewayProxyWebsocketEventV2;

/** No requests: each goes to the path for events, as it is. */
export const otherEvents: readonly (readonly [name: string, event: unknown])[] = [
  ['a queue', sqs],
  [
    'a topic',
    {
      Records: [
        { EventVersion: '1.0', EventSource: 'aws:sns', EventSubscriptionArn: 'arn', Sns: { Message: 'Hello' } },
      ],
    } as unknown as SNSEvent,
  ],
  [
    'a bucket',
    {
      Records: [
        {
          eventSource: 'aws:s3',
          eventName: 'ObjectCreated:Put',
          s3: { bucket: { name: 'b' }, object: { key: 'a+b.jpg' } },
        },
      ],
    } as unknown as S3Event,
  ],
  ['a table', { Records: [{ eventName: 'INSERT', eventSource: 'aws:dynamodb' }] } as DynamoDBStreamEvent],
  [
    'a stream',
    { Records: [{ eventSource: 'aws:kinesis', kinesis: { data: 'SGVsbG8=' } }] } as unknown as KinesisStreamEvent,
  ],
  [
    'a schedule',
    {
      version: '0',
      id: '53dc4d37',
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      detail: {},
    } as unknown as EventBridgeEvent<string, object>,
  ],
  ['an authorizer of a REST API', authorizer],
  [
    'an authorizer of an HTTP API',
    { ...httpApi, type: 'REQUEST', routeArn: 'arn:aws:execute-api:…', identitySource: ['user1'] },
  ],
  ['a WebSocket API', websocket],
  [
    'a VPC Lattice service',
    { version: '2.0', path: '/', method: 'GET', headers: {}, requestContext: { serviceArn: 'arn' } },
  ],
  ['an agent', { messageVersion: '1.0', apiPath: '/x', httpMethod: 'POST', actionGroup: 'x' }],
  ['a call with a text', 'hello'],
  ['a call with a list', [1, 2]],
  ['a call with nothing', null],
];
