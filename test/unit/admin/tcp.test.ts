import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ask, openAdmin } from './open-admin.ts';

describe('admin API on TCP', () => {
  it('on loopback lets this machine read and demands the token to control', async (test) => {
    const { address, token, target } = await openAdmin(test, { listen: '127.0.0.1' });
    const port = address?.port ?? 0;
    assert.equal((await ask(port, 'GET', '/v1/status')).status, 200);
    assert.equal((await ask(port, 'POST', '/v1/reload')).status, 401);
    const reply = await ask(port, 'POST', '/v1/reload', { headers: { authorization: `Bearer ${token}` } });
    assert.equal(reply.status, 200);
    assert.equal(target.commands.length, 1);
  });

  it('on loopback gives another user probes and metrics', { skip: process.getuid?.() !== 0 }, async (test) => {
    const metrics = async () => ({ contentType: 'text/plain', body: 'up 1\n' });
    const { address, token } = await openAdmin(test, { listen: '127.0.0.1', extras: { metrics } });
    const paths = ['/livez', '/metrics', '/openapi.json', '/v1/status', '/v1/events/recent', '/v1/live'];
    const script = `
      const { get } = require('node:http');
      const [port, token, ...paths] = process.argv.slice(1);
      const headers = token === '' ? {} : { authorization: 'Bearer ' + token };
      const ask = (path) => new Promise((done) => get({ port, path, headers, agent: false }, (response) => {
        response.destroy();
        done(response.statusCode);
      }));
      Promise.all(paths.map(ask)).then((all) => console.log(JSON.stringify(all)));`;
    const asNobody = async (given: string) => {
      const args = ['-e', script, String(address?.port), given, ...paths];
      const { stdout } = await promisify(execFile)(process.execPath, args, { uid: 65534, cwd: '/' });
      return JSON.parse(stdout);
    };
    assert.deepEqual(await asNobody(''), [200, 200, 200, 401, 401, 401]);
    assert.deepEqual(await asNobody(token), [200, 200, 200, 200, 200, 200]);
  });

  it('on any other address demands the token for reads too, but not for probes', async (test) => {
    const { address, token } = await openAdmin(test, { listen: '0.0.0.0' });
    const port = address?.port ?? 0;
    for (const path of ['/v1/status', '/v1/history', '/v1/events', '/v1/live', '/v1/events/recent', '/metrics']) {
      assert.equal((await ask(port, 'GET', path)).status, 401, path);
    }
    assert.equal((await ask(port, 'GET', '/v1/status', { headers: { authorization: `Bearer ${token}` } })).status, 200);
    assert.equal((await ask(port, 'GET', '/livez')).status, 200);
    assert.equal((await ask(port, 'GET', '/readyz')).status, 200);
  });

  it('never answers what only the control socket does', async (test) => {
    const handle = () => ({ status: 200, json: {} });
    const only = { access: 'control', onlyBySocket: true, summary: '', answers: {}, handle } as const;
    const extras = { routes: [{ method: 'post', path: '/v1/only', ...only }] } as const;
    const { address, token, paths } = await openAdmin(test, { listen: '127.0.0.1', extras });
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await ask(address?.port ?? 0, 'POST', '/v1/only', { headers })).status, 403);
    assert.equal((await ask(paths.socket, 'POST', '/v1/only', { headers })).status, 200);
  });

  it('gives a page of another origin nothing, even with a name that points here', async (test) => {
    const { address, target, token } = await openAdmin(test, { listen: '127.0.0.1' });
    const port = address?.port ?? 0;
    const authorization = `Bearer ${token}`;
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${port + 1}` },
      { host: 'evil.example' },
      { host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      for (const [method, path] of [
        ['GET', '/v1/status'],
        ['GET', '/readyz'],
        ['POST', '/v1/stop'],
        ['OPTIONS', '/v1/stop'],
      ] as const) {
        const reply = await ask(port, method, path, { headers: { ...headers, authorization } });
        assert.equal(reply.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
        assert.equal(reply.headers['access-control-allow-origin'], undefined);
      }
    }
    const own = await ask(port, 'GET', '/v1/status', { headers: { origin: `http://127.0.0.1:${port}` } });
    assert.equal(own.status, 200);
    const preflight = await ask(port, 'OPTIONS', '/v1/stop', { headers: { 'access-control-request-method': 'POST' } });
    assert.equal(preflight.status, 405);
    assert.deepEqual(target.commands, []);
  });
});
