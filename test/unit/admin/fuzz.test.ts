import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { routes } from '../../../src/admin/api/routes.ts';
import { seed } from '../../support/seed.ts';
import { ask, openAdmin } from './open-admin.ts';

describe('admin API under garbage', () => {
  it('survives 10,000 malformed requests with no 500 and no change', { timeout: 180_000 }, async (test) => {
    const { paths, target, client } = await openAdmin(test);
    const before = JSON.stringify(await client.snapshot());
    const words = ['GET', 'POST', 'HEAD', ' ', '\r\n', '\r\n\r\n', ':', '/', '//', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9'];
    const heads = [
      'Host: x',
      'Content-Length: 5',
      'Content-Length: -1',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
    ];
    const more = [
      'Upgrade: websocket',
      'Connection: upgrade',
      'Authorization: Bearer ',
      '{"to":3}',
      '\0',
      '\xff',
      '%',
      '%00',
      '?a=%zz',
      '..',
    ];
    const piece = fc.oneof(
      fc.constantFrom(...words, ...heads, ...more, ...routes.map((route) => route.path)),
      fc.string({ maxLength: 40, unit: 'binary' }),
    );
    const raw = fc.array(piece, { minLength: 1, maxLength: 15 }).map((pieces) => pieces.join(''));
    const shaped = fc
      .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'TRACE', 'BREW'), piece, fc.array(piece, { maxLength: 5 }))
      .map(([method, path, lines]) => `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    // Gets past the parser: as often as not the rest of garbage does not.
    const places = [...routes.map((route) => route.path), '/', '/nowhere', '/%00', '/status?a=%zz', '//', '/../..'];
    const formed = fc
      .tuple(
        fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS'),
        fc.constantFrom(...places),
        fc.subarray(['Accept: x', 'Authorization: Bearer x', 'Expect: 100-continue', 'Content-Type: application/json']),
      )
      .map(([method, path, lines]) => `${[`${method} ${path} HTTP/1.1`, 'Host: x', ...lines].join('\r\n')}\r\n\r\n`);
    const requests = fc.sample(fc.oneof(raw, shaped, formed), { numRuns: 10_000, seed });
    const statuses = new Map<string, number>();
    let next = 0;
    const send = async () => {
      for (let i = next++; i < requests.length; i = next++) {
        const status = /^HTTP\/1\.1 (\d+)/.exec(await exchange(paths.socket, requests[i] ?? ''))?.[1] ?? 'none';
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        assert.ok(!status.startsWith('5') || status === '501', `${status} for ${JSON.stringify(requests[i])}`);
      }
    };
    await Promise.all(Array.from({ length: 24 }, send));
    assert.deepEqual(target.commands, []);
    assert.equal(JSON.stringify(await client.snapshot()), before);
    for (const status of ['200', '400', '401', '404', '405']) {
      assert.ok((statuses.get(status) ?? 0) > 20, JSON.stringify([...statuses]));
    }
  });

  it('answers any JSON with 400 or with the command that it is', { timeout: 60_000 }, async (test) => {
    const { paths, target, token } = await openAdmin(test);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const mutating = routes.filter((route) => route.method === 'post').map((route) => route.path);
    const key = fc.constantFrom('to', 'by', 'slot', 'fast', '__proto__', 'constructor', 'x');
    const body = fc.oneof(
      fc.json(),
      fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...mutating), body, async (path, text) => {
        const commands = target.commands.length;
        const reply = await ask(paths.socket, 'POST', path, { headers, body: text });
        assert.ok(reply.status === 200 || reply.status === 400, `${reply.status}: ${path} ${text}`);
        assert.equal(target.commands.length, commands + (reply.status === 200 ? 1 : 0));
      }),
      { numRuns: 500 },
    );
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });
});

/** Sends bytes as they are, closes this side, and returns what came back. Streams of events are left after their head. */
function exchange(path: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(path, () => socket.end(Buffer.from(text, 'latin1')));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (/text\/event-stream/.test(answer)) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}
