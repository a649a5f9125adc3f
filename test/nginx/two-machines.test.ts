// Promise: with nginx in front of two machines, of which one dies without a word, only what was under way there is lost. The machines are
// network namespaces, joined by a bridge in a third one, where nginx is. Needs root, and is part of `npm run test:nginx`.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually, within } from '../support/eventually.ts';
import { assertNothingLost, startLoad, summary } from '../support/load.ts';
import { exportSite, noNginx, startNginx } from '../support/nginx.ts';
import { binPath, fixture, nodePath } from '../support/sandbox.ts';

const PORT = 8080;
/** A dead machine says nothing, so what was sent to it waits for proxy_read_timeout; the test does not wait for a minute. */
const READ_TIMEOUT_S = 3;

const skip = noNginx || whyNoNamespaces();

function whyNoNamespaces(): string | false {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  return spawnSync('ip', ['netns', 'list']).status === 0 ? false : 'there are no network namespaces here';
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`);
}

interface Machine {
  address: string;
  name: string;
  /** Its link goes down first: nobody hears that it dies. */
  die(): void;
}

/** Two machines that run the app, and the front. */
async function connect(t: TestContext): Promise<{ front: string; machines: [Machine, Machine] }> {
  const front = `tutti-${process.pid}-front`;
  const folder = mkdtempSync(join(tmpdir(), 'tutti-machines-'));
  const running: ChildProcess[] = [];
  t.after(async () => {
    for (const app of running) if (app.pid !== undefined && app.exitCode === null) killGroup(app.pid);
    const all = running.map((app) => app.exitCode ?? app.signalCode ?? new Promise((done) => app.once('exit', done)));
    await within('the apps to end', Promise.all(all));
    for (const name of [front, `${front}-a`, `${front}-b`]) spawnSync('ip', ['netns', 'del', name]);
    rmSync(folder, { recursive: true, force: true });
  });
  ip('netns', 'add', front);
  ip('-n', front, 'link', 'set', 'lo', 'up');
  ip('-n', front, 'link', 'add', 'br0', 'type', 'bridge');
  ip('-n', front, 'addr', 'add', '10.99.0.254/24', 'dev', 'br0');
  ip('-n', front, 'link', 'set', 'br0', 'up');
  const add = async (letter: string, address: string): Promise<Machine> => {
    const name = `${front}-${letter}`;
    const link = `v-${letter}`;
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('link', 'add', link, 'netns', front, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', front, 'link', 'set', link, 'master', 'br0', 'up');
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    const run = [binPath, 'run', fixture('hello.cjs'), '--workers', '2', '--allow-root', '--name', letter];
    const app = spawn('ip', ['netns', 'exec', name, nodePath, ...run], {
      env: { ...process.env, PORT: String(PORT), TUTTI_HOME: join(folder, letter) },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    running.push(app);
    let said = '';
    app.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await eventually(`machine ${letter} to be ready`, () => /ready: http/.test(said));
    const die = (): void => {
      ip('-n', front, 'link', 'set', link, 'down');
      if (app.pid !== undefined) killGroup(app.pid);
    };
    return { address, name, die };
  };
  return { front, machines: [await add('a', '10.99.0.1'), await add('b', '10.99.0.2')] };
}

/** The app was started as the leader of a group of its own. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

test('one of two machines dies: what may be repeated is served by the other, and only POSTs that were sent there are lost', {
  skip,
}, async (t) => {
  const { front, machines } = await connect(t);
  const flags = machines.flatMap(({ address }) => ['--machine', address]);
  const site = exportSite('nginx', fixture('hello.cjs'), '--port', String(PORT), ...flags);
  const quick = site.replace('proxy_read_timeout 60s;', `proxy_read_timeout ${READ_TIMEOUT_S}s;`);
  assert.notEqual(quick, site);
  await using nginx = await startNginx(quick, ['ip', 'netns', 'exec', front]);
  const clients = { port: nginx.port, keepAlive: 8, fresh: 4, netOf: nginx.pid };
  await using gets = await startLoad({ ...clients, gets: true });
  await using mixed = await startLoad(clients);
  await Promise.all([gets.more(500), mixed.more(500)]);
  const diedAt = Date.now();
  machines[1].die();
  await Promise.all([gets.more(3000), mixed.more(3000)]);

  const [repeatable, any] = [await gets.stop(), await mixed.stop()];
  const last = Math.max(0, ...any.failures.map(({ atMs }) => atMs - diedAt));
  t.diagnostic(`GET: 0 of ${repeatable.ok} lost, slowest ${Math.round(repeatable.maxMs)} ms`);
  t.diagnostic(`GET and POST: ${JSON.stringify(summary(any))} of ${any.ok}, the last sent ${last} ms after the death`);
  assertNothingLost(repeatable, 3500);
  assert.ok(
    any.failures.every(({ method }) => method === 'POST'),
    JSON.stringify(any.failures.slice(0, 5)),
  );
  assert.equal(Object.keys(repeatable.byPid).length, 4, 'both machines had answered');
});
