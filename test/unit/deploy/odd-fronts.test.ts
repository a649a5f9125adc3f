// Promise: odd names of apps, cookies, headers and machines give files that nginx, Caddy and Traefik read as they are meant.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { caddyFile } from '../../../src/deploy/proxy/caddy.ts';
import { type Front, placesOf, type Sticky } from '../../../src/deploy/proxy/front.ts';
import { nginxFile } from '../../../src/deploy/proxy/nginx.ts';
import { traefikFile } from '../../../src/deploy/proxy/traefik.ts';
import { front } from './given.ts';

const names = ['42', '1e3', 'null', 'Null', 'true', 'on', 'no', 'my-app', 'my.app.v2', 'a_b', 'X'.repeat(63)];

for (const version of ['1.1', '1.2'] as const) {
  test(`Traefik finds the router, the service and the transport of each app (YAML ${version})`, () => {
    const fronts = names.map((name) => front({ name }));
    const { http } = parse(traefikFile(fronts).text, { version, uniqueKeys: true });
    assert.equal(Object.keys(http.routers).length, names.length);
    for (const [name, router] of Object.entries<{ service: unknown; middlewares: string[]; rule: string }>(
      http.routers,
    )) {
      assert.equal(router.service, name);
      assert.ok(http.services[name], name);
      assert.equal(http.services[name].loadBalancer.serversTransport, name);
      assert.ok(http.serversTransports[name], name);
      for (const middleware of router.middlewares) assert.ok(http.middlewares[middleware], middleware);
    }
  });
}

test('a name of nginx has only letters, digits and _, and every one that is used is defined', () => {
  for (const name of names) {
    for (const sticky of [
      null,
      { by: 'own-cookie' },
      { by: 'cookie', name: 'sid' },
      { by: 'header', name: 'X-U' },
    ] as const) {
      const { text } = nginxFile(front({ name, balance: 'ports' }, { sticky }));
      const defined = [...text.matchAll(/^map \S+ \$(\S+) \{$/gm)].map(([, variable]) => variable);
      const used = [...text.matchAll(/\$(tutti_\w+)/g)].map(([, variable]) => variable);
      assert.deepEqual([...new Set(used)].sort(), [...defined].sort(), name);
      const [, upstream = ''] = /^upstream (\S+) \{$/m.exec(text) ?? [];
      assert.match(upstream, /^tutti_\w+$/);
      assert.ok(text.includes(`proxy_pass http://${upstream};`), name);
    }
  }
});

/** Directives end with ; or open a block, blocks are closed, and quotes too: what `nginx -t` sees first. */
function assertBalanced(text: string): void {
  let depth = 0;
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    assert.match(line, /(;|\{|^\})$/, line);
    assert.equal((line.match(/(?<!\\)"/g) ?? []).length % 2, 0, line);
    if (line.endsWith('{')) depth += 1;
    else if (line === '}') depth -= 1;
    assert.ok(depth >= 0, line);
  }
  assert.equal(depth, 0);
}

const stickies: readonly (Sticky | null)[] = [
  null,
  { by: 'address' },
  { by: 'own-cookie' },
  { by: 'cookie', name: 'connect.sid' },
  { by: 'header', name: 'X-User-Id' },
];
const fleets = [[], ['10.0.0.1'], ['10.0.0.1', 'fd00::2', 'app-3.internal']];

test('whatever is asked of nginx, its file is whole', () => {
  for (const sticky of stickies) {
    for (const machines of fleets) {
      for (const workers of [1, 3, 8]) {
        const { text } = nginxFile(front({ balance: 'ports', workers }, { sticky, machines }));
        assertBalanced(text);
        const rows = [...text.matchAll(/^ {4}server (\S+)/gm)].map(([, place]) => place);
        const places = placesOf(front({ balance: 'ports', workers }, { machines }));
        assert.deepEqual(new Set(rows), new Set(places));
        assert.ok(machines.length > 1 || rows.length >= 4, 'a dead worker is not the end of a request');
      }
    }
  }
});

test('the cookie of the application is found in the header, and no other for it', () => {
  const { text } = nginxFile(front({ balance: 'ports' }, { sticky: { by: 'cookie', name: 'connect.sid' } }));
  const [, source = ''] = /"~(.*)" \$1;/.exec(text) ?? [];
  const pattern = new RegExp(source);
  for (const [cookies, value] of [
    ['connect.sid=abc', 'abc'],
    ['a=1; connect.sid=abc; b=2', 'abc'],
    ['a=1;connect.sid=a=b', 'a=b'],
    ['xconnect.sid=abc', undefined],
    ['connectXsid=abc', undefined],
    ['a=connect.sid=abc', undefined],
    ['connect.sid=', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(pattern.exec(cookies)?.[1], value, cookies);
  }
});

test('Caddy keeps clients by what it knows', () => {
  const policy = (sticky: Front['sticky']): string | undefined =>
    /lb_policy (.*)$/m.exec(caddyFile([front({ name: 'my-app', balance: 'ports' }, { sticky })]).text)?.[1];
  assert.equal(policy(null), undefined);
  assert.equal(policy({ by: 'address' }), 'ip_hash');
  assert.equal(policy({ by: 'own-cookie' }), 'cookie tutti_my_app');
  assert.equal(policy({ by: 'header', name: 'X-User' }), 'header X-User');
});

test('Caddy has a site for each app, and closes every block', () => {
  const text = caddyFile(names.map((name) => front({ name }, { machines: ['::1', '10.0.0.1'] }))).text;
  const code = text.split('\n').filter((line) => !/^\s*#/.test(line));
  assert.equal(code.filter((line) => line.endsWith('{')).length, code.filter((line) => line.trim() === '}').length);
  assert.equal(code.filter((line) => /^[a-z0-9.-]+ \{$/.test(line)).length, names.length);
  assert.match(text, /reverse_proxy \[::1\]:3000 10\.0\.0\.1:3000 \{/);
});

test('an app is known by a name of DNS that its own gives', () => {
  for (const [name, domain] of [
    ['web', 'web.example.com'],
    ['My_App.v2', 'my-app-v2.example.com'],
  ] as const) {
    assert.equal(front({ name }).domain, domain);
  }
  assert.equal(front({}, { domain: 'shop.test' }).domain, 'shop.test');
});

test('a domain with * is a pattern to Traefik, which matches what nginx and Caddy do', () => {
  const ruleOf = (domain: string): string => parse(traefikFile([front({}, { domain })]).text).http.routers.web.rule;
  assert.equal(ruleOf('shop.example.com'), 'Host(`shop.example.com`)');
  const [, source = ''] = /^HostRegexp\(`(.*)`\)$/.exec(ruleOf('*.example.com')) ?? [];
  const pattern = new RegExp(source);
  for (const host of ['a.example.com', 'a-b.example.com']) assert.match(host, pattern);
  for (const host of ['example.com', 'a.example.org', 'a.exampleXcom', 'a.example.com.evil.org']) {
    assert.doesNotMatch(host, pattern);
  }
});

test('machines stand side by side within a slot, so that none of them takes all the first clients', () => {
  const asked = front({ balance: 'ports', workers: 2 }, { machines: ['a', '[::1]'], port: 80 });
  assert.deepEqual(placesOf(asked), ['a:80', '[::1]:80', 'a:81', '[::1]:81']);
});

test('an idle connection is kept for a second at least, and less long than the app keeps it where that can be', () => {
  for (const [keepAliveTimeout, expected] of [
    ['1500ms', 1],
    ['2s', 1],
    ['3s', 2],
    ['2m', 119],
  ] as const) {
    assert.equal(front({ keepAliveTimeout }).idleSeconds, expected, keepAliveTimeout);
  }
});
