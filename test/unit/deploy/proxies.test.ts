// The files for proxies: what they say follows from the configuration.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { isUntouched } from '../../../src/deploy/export-file.ts';
import { caddyFile } from '../../../src/deploy/proxy/caddy.ts';
import type { Front } from '../../../src/deploy/proxy/front.ts';
import { nginxFile } from '../../../src/deploy/proxy/nginx.ts';
import { traefikFile } from '../../../src/deploy/proxy/traefik.ts';
import { front } from './given.ts';

const servers = (text: string): string[] => [...text.matchAll(/^ {4}server (.*);$/gm)].map(([, what = '']) => what);

test('the same configuration gives the same bytes, with the mark of an export', () => {
  const { text, path } = nginxFile(front());
  assert.equal(path, 'web.conf');
  assert.equal(nginxFile(front()).text, text);
  for (const one of [text, caddyFile([front()]).text, traefikFile([front()]).text]) assert.ok(isUntouched(one));
});

test('one port stands there four times, so that nginx can go there again; it is never left out', () => {
  assert.deepEqual(servers(nginxFile(front()).text), Array(4).fill('127.0.0.1:3000 max_fails=0'));
});

test('with ports each slot is a place, also one that load brings later, and a client is kept with its own', () => {
  const asked = front({ balance: 'ports', workers: '2..3' }, { sticky: { by: 'address' } });
  const { text } = nginxFile(asked);
  const each = [3000, 3001, 3002].map((port) => `127.0.0.1:${port} max_fails=0`);
  assert.deepEqual(servers(text), [...each, ...each]);
  assert.match(text, /^ {4}hash \$remote_addr consistent;$/m);
  assert.deepEqual(
    front({ balance: 'ports', workers: 4 }, { port: 65_534 }).ports,
    [65_534, 65_535],
    'there are no others',
  );
});

test('of several machines a dead one is left alone, and nginx never finds that nobody is left', () => {
  const machines = ['10.0.0.1', 'fd00::2'];
  assert.deepEqual(servers(nginxFile(front({}, { machines })).text), [
    '10.0.0.1:3000 max_fails=3 fail_timeout=5s',
    '[fd00::2]:3000 max_fails=3 fail_timeout=5s',
    '10.0.0.1:3000 max_fails=0 backup',
    '[fd00::2]:3000 max_fails=0 backup',
  ]);
  const sticky = nginxFile(front({ balance: 'ports' }, { machines, sticky: { by: 'address' } })).text;
  assert.doesNotMatch(sticky, /backup/, 'nginx has no such word beside hash');
});

test('the proxy gives idle connections up first', () => {
  assert.match(nginxFile(front()).text, /keepalive_timeout 4s;/);
  assert.match(nginxFile(front({ keepAliveTimeout: '65s' })).text, /keepalive_timeout 64s;/);
  assert.match(nginxFile(front({ keepAliveTimeout: '1s' })).text, /keepalive_timeout 1s;/);
  assert.match(caddyFile([front()]).text, /keepalive 4s/);
});

test('no request is sent twice that may have been carried out', () => {
  assert.match(nginxFile(front()).text, /^ +proxy_next_upstream error timeout;$/m);
});

test('a client is known by a cookie of nginx, by one of the application or by a header', () => {
  const text = (sticky: Front['sticky']) => nginxFile(front({ balance: 'ports', name: 'my-app' }, { sticky })).text;
  const own = text({ by: 'own-cookie' });
  assert.match(own, /hash \$tutti_my_app_client consistent/);
  assert.match(own, /add_header Set-Cookie \$tutti_my_app_cookie;/);
  assert.match(text({ by: 'cookie', name: 'connect.sid' }), /"~\(\?:\^\|;\\s\*\)connect\\\.sid=\(\[\^;\]\+\)" \$1;/);
  assert.match(text({ by: 'header', name: 'X-User' }), /map \$http_x_user \$tutti_my_app_client/);
});

test('Caddy and Traefik get the same places', () => {
  const asked = front({ balance: 'ports' }, { domain: 'shop.example.org', sticky: { by: 'own-cookie' } });
  const caddy = caddyFile([asked]).text;
  assert.match(caddy, /^shop\.example\.org \{$/m);
  assert.match(caddy, /reverse_proxy 127\.0\.0\.1:3000 127\.0\.0\.1:3001 127\.0\.0\.1:3002 \{/);
  assert.match(caddy, /lb_policy cookie tutti_web$/m);
  const { http } = parse(traefikFile([asked, front({ name: 'api' }, { port: 4000 })]).text);
  assert.deepEqual(
    http.services.web.loadBalancer.servers.map(({ url }: { url: string }) => url),
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3001', 'http://127.0.0.1:3002'],
  );
  assert.equal(http.services.web.loadBalancer.sticky.cookie.name, 'tutti_web');
  assert.equal(http.services.api.loadBalancer.sticky, undefined);
  assert.equal(http.routers.api.rule, 'Host(`api.example.com`)');
});
