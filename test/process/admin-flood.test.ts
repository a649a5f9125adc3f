// The admin API under attack by anybody who reaches it: the app does not notice, probes are answered, memory is bounded, a stop ends.

import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';

/** Unflooded it is some 30 ms here; without bounds it was 4 s, and 9 s for a probe. */
const MOST_MS = 1000;
/** Some 60 to 80 MB; without bounds it was over 1 GB. */
const MOST_GROWTH_BYTES = 150_000_000;
const FLOOD_MS = 3000;

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

function send(port: number, text: string): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(text);
  return socket;
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** The worst answers of the app and of the probe while `flood` lasts, and the primary's memory. */
async function worst(cli: Cli, admin: number, flood: () => Socket[]) {
  const { pid } = await cli.snapshot('web');
  const sockets = flood();
  const found = { app: 0, probe: 0, rss: 0 };
  const ask = async (who: 'app' | 'probe', port: number, path: string) => {
    for (const end = performance.now() + FLOOD_MS; performance.now() < end; await delay(10)) {
      const began = performance.now();
      assert.equal((await fetch({ port, path })).status, 200);
      found[who] = Math.max(found[who], performance.now() - began);
      found.rss = Math.max(found.rss, rssBytes(pid));
    }
  };
  await Promise.all([ask('app', cli.port, '/'), ask('probe', admin, '/livez')]);
  for (const socket of sockets) socket.destroy();
  return found;
}

test('a flooded admin port harms neither the app nor the probes, in time or memory, nor the stop', async (context) => {
  await using cli = await openCli();
  const admin = await freePort();
  const file = join(cli.dir, 'app.log');
  for (const name of [file, `${file}.1`]) {
    for (let piece = 0; piece < 10; piece += 1) appendFileSync(name, `${'x'.repeat(20_000)}\n`.repeat(200));
  }
  const flags = ['-n', 'web', '-i', '2', '--canary-time', '0', '--balance', 'round-robin', '--admin', String(admin)];
  await cli.ok(['start', cli.fixture('hello.cjs'), ...flags, '--log-file', file]);
  const calm = await worst(cli, admin, () => []);
  const many = (count: number, make: () => Socket) => Array.from({ length: count }, make);
  const floods: Record<string, () => Socket[]> = {
    'documents that nobody reads': () => many(4, () => send(admin, get('/openapi.json').repeat(5000)).pause()),
    'probes without end': () => many(4, () => send(admin, get('/livez').repeat(20_000)).resume()),
    'logs of long lines': () => many(6, () => send(admin, get('/v1/logs?lines=10000').repeat(10)).pause()),
    'logs that nobody waits for': () =>
      many(300, () => {
        const socket = send(admin, get('/v1/logs?slot=99'));
        setTimeout(() => socket.destroy(), 50);
        return socket;
      }),
    'silent clients': () => many(200, () => send(admin, '').resume()),
    scrapes: () => many(30, () => send(admin, get('/metrics').repeat(1000)).resume()),
  };
  for (const [name, flood] of Object.entries(floods)) {
    const found = await worst(cli, admin, flood);
    context.diagnostic(
      `${name}: app ${Math.round(found.app)} ms, probe ${Math.round(found.probe)} ms, RSS ${Math.round(found.rss / 1e6)} MB`,
    );
    assert.ok(found.app < MOST_MS, `${name}: the app took ${found.app} ms, unflooded ${calm.app} ms`);
    assert.ok(found.probe < MOST_MS, `${name}: the probe took ${found.probe} ms`);
    assert.ok(found.rss < calm.rss + MOST_GROWTH_BYTES, `${name}: ${found.rss} bytes after ${calm.rss}`);
  }
  const last = Object.values(floods).flatMap((flood) => flood());
  await cli.ok(['stop', 'web']);
  for (const socket of last) socket.destroy();
});

test('silent clients of the control socket do not keep the operator out, and a refusal is a sentence', async () => {
  await using cli = await openCli();
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', '--canary-time', '0']);
  const path = join(cli.home, 'run/web.sock');
  const silent = Array.from({ length: 70 }, () => connect(path).on('error', () => {}));
  await Promise.all(silent.map((one) => new Promise((connected) => one.once('connect', connected))));
  await cli.ok(['status', 'web']);
  for (const one of silent) one.destroy();

  let open = 0;
  const streams = Array.from({ length: 32 }, () => {
    const one = connect(path).on('error', () => {});
    one.once('data', () => {
      open += 1;
    });
    one.write(get('/v1/events'));
    return one;
  });
  await eventually('the streams to be open', () => open === streams.length);
  const refused = await cli.run(['events', 'web', '-f']);
  assert.equal(refused.code, 6, refused.stderr);
  assert.match(refused.stderr, /^tutti: Cannot do that: the supervisor refuses: Too many clients listen/);
  await cli.ok(['stop', 'web']);
  for (const one of streams) one.destroy();
});
