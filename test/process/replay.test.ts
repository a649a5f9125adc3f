// Promise: of the requests that a worker was serving when it died of its own code, those that can be repeated without harm run once more in
// another worker, and what ends workers does not go round.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { DataPlaneRig, type StartOptions } from '../support/data-plane-rig.ts';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { connect, type RawClient } from '../support/raw-client.ts';
import { startRig } from '../support/rig.ts';
import type { RigWorker } from '../support/worker-rig.ts';

class Stage implements AsyncDisposable {
  readonly rig = new DataPlaneRig('kernel');
  readonly #port: number;
  readonly #clients: RawClient[] = [];

  constructor(port: number) {
    this.#port = port;
    writeFileSync(this.#file, '');
  }

  get #file(): string {
    return `${this.rig.dir}/runs`;
  }

  /** `holds`: it answers nothing. */
  async worker(holds: boolean, options: Partial<StartOptions> = {}): Promise<RigWorker> {
    const env = { PORT: String(this.#port), RUNS: this.#file, ...(holds ? { HOLD: '1' } : {}) };
    return this.rig.start({ fixture: 'runs-again.cjs', env, ...options });
  }

  /** A client of the workers that are there, whose request has come to the application. */
  async client(head: string, rest = ''): Promise<RawClient> {
    const client = await connect(this.#port);
    this.#clients.push(client);
    const before = this.runs().length;
    client.send(`${head}\r\nHost: x\r\n${rest}${rest.includes('\r\n\r\n') ? '' : '\r\n'}`);
    await eventually(`${head} came`, () => this.runs().length > before);
    return client;
  }

  /** `pid method url` of each, in their order. */
  runs(): string[] {
    return readFileSync(this.#file, 'utf8').split('\n').slice(0, -1);
  }

  ran(line: string): number {
    return this.runs().filter((run) => run.endsWith(` ${line}`)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.rig[Symbol.asyncDispose]();
  }
}

async function end(worker: RigWorker, how: 'end' | 'later' = 'end'): Promise<void> {
  worker.tell({ [how]: true });
  await within('the end of the worker', worker.exited);
}

const isClosed = ({ closed }: RawClient) => closed;

test('GET, HEAD and OPTIONS run once more, as they came; nothing else does', async () => {
  await using stage = new Stage(await freePort());
  const replay = { mode: 'safe', except: ['options:/never', '/export'] } as const;
  const old = await stage.worker(true, { replay });
  const get = await stage.client(
    'GET /a%20b/7?q=1&q=2 HTTP/1.1',
    'X-Twice: 1\r\nx-TWICE: 2\r\nX-Latin: caf\xe9\r\nX-Empty:\r\n',
  );
  const older = await stage.client('GET /older HTTP/1.0', 'Connection: keep-alive\r\n');
  const head = await stage.client('HEAD /head HTTP/1.1');
  const options = await stage.client('OPTIONS /exported HTTP/1.1', 'Content-Length: 0\r\n');
  const lost = [
    await stage.client('POST /post HTTP/1.1', 'Content-Length: 2\r\n\r\nab'),
    await stage.client('DELETE /delete HTTP/1.1'),
    await stage.client('GET /body HTTP/1.1', 'Content-Length: 2\r\n\r\nab'),
    await stage.client('GET /chunked HTTP/1.1', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    await stage.client('GET /expect HTTP/1.1', 'Expect: 100-continue\r\n'),
    await stage.client('GET /half-of-another HTTP/1.1', '\r\nGET /other HTTP/1.1\r\nHost:'),
    await stage.client('GET /pipelined HTTP/1.1', '\r\nGET /pipelined HTTP/1.1\r\nHost: x\r\n\r\n'),
    await stage.client('GET /begun HTTP/1.1'),
    await stage.client('GET /own HTTP/1.1'),
    await stage.client('GET /changed HTTP/1.1'),
    await stage.client('GET /export/7 HTTP/1.1'),
    await stage.client('OPTIONS /never HTTP/1.1'),
  ];
  const next = await stage.worker(false, { replay });
  await end(old);
  for (const client of lost) await client.until('its end', isClosed);
  for (const client of [get, older, head, options]) await client.until('an answer', ({ answers }) => answers === 1);
  const seen = JSON.parse(get.text.slice(get.text.indexOf('{')));
  assert.deepEqual(seen, {
    ...{ method: 'GET', url: '/a%20b/7?q=1&q=2', httpVersion: '1.1' },
    rawHeaders: ['Host', 'x', 'X-Twice', '1', 'x-TWICE', '2', 'X-Latin', 'caf\xc3\xa9', 'X-Empty', ''],
  });
  assert.match(older.text, /"url":"\/older","httpVersion":"1.0"/);
  const again = stage.runs().filter((run) => run.startsWith(`${next.pid} `));
  assert.deepEqual(again.map((run) => run.split(' ').slice(1).join(' ')).sort(), [
    'GET /a%20b/7?q=1&q=2',
    'GET /older',
    'HEAD /head',
    'OPTIONS /exported',
  ]);
  // They are connections like others.
  get.get('/next');
  await get.until('the next answer', ({ answers }) => answers === 2);
});

test('once more and not again', async () => {
  await using stage = new Stage(await freePort());
  const first = await stage.worker(true);
  // The first is of a kind that is answered elsewhere, so it is not suspected either.
  const clients = [await stage.client('GET /warm?1 HTTP/1.1'), await stage.client('GET /two HTTP/1.1')];
  const second = await stage.worker(true);
  await end(first);
  await eventually('both run again', () => stage.ran('GET /warm?1') === 2 && stage.ran('GET /two') === 2);
  const answered = await stage.client('GET /warm HTTP/1.1');
  await answered.until('an answer', ({ answers }) => answers === 1);
  const third = await stage.worker(false);
  await end(second);
  for (const client of clients) await client.until('its end', isClosed);
  assert.deepEqual([stage.ran('GET /warm?1'), stage.ran('GET /two')], [2, 2]);
  assert.equal(third.child.exitCode, null);
});

test('the only request, and the one whose handler throws, go with their worker', async () => {
  await using stage = new Stage(await freePort());
  const first = await stage.worker(true);
  const only = await stage.client('GET /later HTTP/1.1');
  await end(first, 'later');
  await only.until('its end', isClosed);

  const second = await stage.worker(true);
  const innocent = await stage.client('GET /innocent HTTP/1.1');
  const guilty = await stage.client('GET /warm HTTP/1.1');
  await guilty.until('an answer', ({ answers }) => answers === 1);
  const third = await stage.worker(false);
  guilty.get('/throw');
  await within('the second end', second.exited);
  await guilty.until('its end', isClosed);
  await innocent.until('an answer', ({ answers }) => answers === 1);
  assert.deepEqual([stage.ran('GET /later'), stage.ran('GET /throw')], [1, 1]);
  assert.equal(third.child.exitCode, null);
});

test('a request that ends whoever serves it ends two workers, and then is known', async () => {
  await using stage = new Stage(await freePort());
  const first = await stage.worker(true);
  const innocent = [await stage.client('GET /wait/1 HTTP/1.1'), await stage.client('GET /wait/2 HTTP/1.1')];
  const guilty = await stage.client('GET /later HTTP/1.1');
  const second = await stage.worker(false);
  await end(first, 'later');
  for (const client of innocent) await client.until('an answer', ({ answers }) => answers === 1);
  await eventually('it runs again', () => stage.ran('GET /later') === 2);
  await end(second, 'later');
  await guilty.until('its end', isClosed);

  const third = await stage.worker(true);
  const others = [await stage.client('GET /wait/3 HTTP/1.1'), await stage.client('GET /wait/4 HTTP/1.1')];
  const known = await stage.client('GET /later HTTP/1.1');
  const fourth = await stage.worker(false);
  await end(third, 'later');
  for (const client of others) await client.until('an answer', ({ answers }) => answers === 1);
  await known.until('its end', isClosed);
  assert.equal(stage.ran('GET /later'), 3);
  assert.equal(fourth.child.exitCode, null);
});

for (const how of [{ replay: { mode: 'off', except: [] } }, { transfer: 'unused' }] as const) {
  test(`nothing runs again with ${JSON.stringify(how)}`, async () => {
    await using stage = new Stage(await freePort());
    const old = await stage.worker(true, how);
    const clients = [await stage.client('GET /one HTTP/1.1'), await stage.client('GET /two HTTP/1.1')];
    await stage.worker(false, how);
    await end(old);
    for (const client of clients) await client.until('its end', isClosed);
    assert.equal(stage.runs().length, 2);
  });
}

test('how many run again is told and counted, also where the next worker has to start first', async () => {
  const admin = await freePort();
  await using rig = await startRig({
    fixture: 'runs-again.cjs',
    env: { RUNS: 'runs', HOLD: '1' },
    flags: { workers: 1, admin, 'drain-timeout': '1s' },
  });
  const runs = () => readFileSync(`${rig.dir}/runs`, 'utf8').split('\n').slice(0, -1);
  const [waiting, guilty] = [await connect(rig.port), await connect(rig.port)];
  waiting.get('/waiting');
  await eventually('it came', () => runs().length === 1);
  guilty.get('/throw');
  const told = await rig.waitFor('requests-replayed');
  assert.equal(told.count, 1);
  await eventually('it came again', () => runs().length === 3);
  assert.deepEqual(
    runs().map((run) => run.split(' ')[2]),
    ['/waiting', '/throw', '/waiting'],
  );
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  assert.match(metrics, /^tutti_requests_replayed_total\{slot="0"\} 1$/m);
  assert.match(metrics, /^tutti_incidents_total 1$/m);
  for (const client of [waiting, guilty]) client.destroy();
});
