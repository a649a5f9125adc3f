// The primary dies by SIGKILL: its worker finishes what it has, runs its own clean-up, and leaves.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';
import { isAlive } from '../support/processes.ts';
import { connect, type RawClient } from '../support/raw-client.ts';
import { fixture, type WorkerOptions } from '../support/worker-rig.ts';

const script = fileURLToPath(new URL('../support/rig-primary.ts', import.meta.url));
const pids: number[] = [];
const clients: RawClient[] = [];
const folder = mkdtempSync(join(tmpdir(), 'tutti-orphan-'));

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

interface Pair {
  primary: ChildProcess;
  /** What the primary has said so far. */
  said(): string;
  worker: number;
  port: number;
}

async function start(options: WorkerOptions): Promise<Pair> {
  const args = ['--import', 'tsx', script, JSON.stringify(options)];
  const primary = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  pids.push(primary.pid as number);
  let text = '';
  primary.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await eventually('the primary is up', () => text.includes('\n'));
  const { pid, port } = JSON.parse(text) as { pid: number; port: number };
  pids.push(pid);
  return { primary, said: () => text, worker: pid, port };
}

async function open(port: number): Promise<RawClient> {
  const client = await connect(port);
  clients.push(client);
  return client;
}

async function killPrimary({ primary }: Pair): Promise<void> {
  primary.kill('SIGKILL');
  await eventually('the primary is dead', () => !isAlive(primary.pid as number));
}

function gone(worker: number): Promise<true> {
  return eventually('the worker is gone', () => !isAlive(worker)) as Promise<true>;
}

describe('an orphaned worker', () => {
  it('finishes requests in flight, answers on open connections with close, and leaves', async () => {
    const pair = await start({ entry: fixture('orphan-talks.cjs') });
    const busy = await open(pair.port);
    const idle = await open(pair.port);
    idle.get('/');
    await idle.until('an answer', ({ answers }) => answers === 1);
    busy.get('/?ms=600');
    await busy.until('the head', ({ text }) => text.includes('200'));
    await killPrimary(pair);
    // It may take the worker a moment to notice; until then its answers are as before. Who was told `close` asks no more: the
    // answer may be here before the end of the connection is.
    let sent = 1;
    await idle.until('the last answer', ({ answers, closed, text }) => {
      if (!closed && answers === sent && !/connection: close/i.test(text)) {
        sent += 1;
        idle.get('/');
      }
      return closed;
    });
    assert.equal(idle.answers, sent);
    assert.equal(idle.error, null);
    await busy.until('the whole answer', ({ text }) => text.includes('end of answer'));
    assert.match(idle.text, /connection: close/i);
    busy.destroy();
    await gone(pair.worker);
  });

  it('may write to its dead primary before it knows of the death', async () => {
    const pair = await start({ entry: fixture('speaks-to-nobody.cjs') });
    const busy = await open(pair.port);
    busy.get('/');
    await busy.until('the head', ({ text }) => text.includes('200'));
    await killPrimary(pair);
    await busy.until('the whole answer', ({ text }) => text.includes('end of answer'));
    await gone(pair.worker);
  });

  it('runs the clean-up of the application', async () => {
    const file = join(folder, 'cleanup');
    const pair = await start({ entry: fixture('cleans-up.cjs'), env: { CLEANUP_FILE: file } });
    await killPrimary(pair);
    await gone(pair.worker);
    assert.equal(readFileSync(file, 'utf8'), `${pair.worker}\n`);
  });

  it('is gone after stopTimeout when it ignores SIGTERM, and after drainTimeout when something stays open', async () => {
    const end = { stopSignal: 'SIGTERM', shutdownMessage: false, drainTimeoutMs: 300, stopTimeoutMs: 300 } as const;
    const pair = await start({ entry: fixture('ignores-sigterm.cjs'), boot: { end } });
    const half = await open(pair.port);
    half.send('GET / HT');
    await killPrimary(pair);
    await gone(pair.worker);
  });

  it('leaves also when its primary dies in the middle of a drain', async () => {
    const pair = await start({ entry: fixture('slow-response.cjs') });
    const busy = await open(pair.port);
    // Accepted before the drain begins: what waits in the queue of a port dies with it.
    busy.get('/?ms=1');
    await busy.until('the first answer', ({ answers }) => answers === 1);
    busy.get('/?ms=1500');
    pair.primary.kill('SIGUSR2');
    await eventually('it drains', () => pair.said().includes('draining'));
    await killPrimary(pair);
    await busy.until('the answer', ({ answers }) => answers === 2);
    busy.destroy();
    await gone(pair.worker);
  });

  it('leaves also when its primary dies between the drain and the order to end', async () => {
    const pair = await start({ entry: fixture('slow-response.cjs') });
    pair.primary.kill('SIGUSR2');
    await eventually('it is drained', () => pair.said().includes('drained'));
    await killPrimary(pair);
    await gone(pair.worker);
  });

  it('leaves at once at a second TERM', async () => {
    const pair = await start({ entry: fixture('slow-response.cjs') });
    const busy = await open(pair.port);
    busy.get('/?ms=60000');
    await killPrimary(pair);
    await eventually('it leaves', () => {
      if (isAlive(pair.worker)) process.kill(pair.worker, 'SIGTERM');
      return !isAlive(pair.worker);
    });
  });
});
