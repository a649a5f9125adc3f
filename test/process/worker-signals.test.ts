// TERM, INT, HUP and QUIT do not reach the application before its drain; what it sees of its own listeners is as under plain node.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { endWorkers, fixture, RigWorker } from '../support/worker-rig.ts';

afterEach(endWorkers);

async function start(listens: string, extra: NodeJS.ProcessEnv = {}): Promise<RigWorker> {
  const worker = new RigWorker({ entry: fixture('signals.cjs'), env: { LISTENS: listens, ...extra } });
  await worker.port();
  return worker;
}

describe('signals of a worker', () => {
  it('reports each signal and keeps it from an application that listens to it', async () => {
    const worker = await start('SIGTERM SIGINT SIGHUP SIGQUIT');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      worker.signal(signal);
      await eventually(`report of ${signal}`, () => worker.signals.includes(signal));
    }
    assert.equal(worker.stdout, '');
  });

  it('keeps a process alive that listens to nothing', async () => {
    const worker = await start('');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) worker.signal(signal);
    await eventually('reports of all', () => worker.signals.length === 4);
    await worker.hasRead();
    assert.equal(worker.has('worker-exit'), false);
  });

  it('delivers SIGTERM after the drain', async () => {
    const worker = await start('SIGTERM SIGINT');
    worker.signal('SIGTERM');
    await eventually('the report', () => worker.signals.length === 1);
    await worker.drain();
    const { code } = await worker.terminate();
    assert.deepEqual([code, worker.stdout], [4, 'got SIGTERM 15\n']);
  });

  it('delivers the INT of the terminal to an application that listens to it, and only that', async () => {
    const worker = await start('SIGTERM SIGINT');
    worker.signal('SIGINT');
    await eventually('the report', () => worker.signals.length === 1);
    await worker.drain();
    const { code } = await worker.terminate();
    assert.deepEqual([code, worker.stdout], [4, 'got SIGINT 2\n']);
  });

  it('delivers a HUP to an application that listens to nothing else', async () => {
    const worker = await start('SIGHUP');
    worker.signal('SIGHUP');
    await eventually('the report', () => worker.signals.length === 1);
    await worker.drain();
    const { code } = await worker.terminate();
    assert.deepEqual([code, worker.stdout], [4, 'got SIGHUP 1\n']);
  });

  it('ends a process that listens to nothing by SIGTERM, as plain node would', async () => {
    const worker = await start('');
    const { code, signal } = await worker.terminate();
    assert.deepEqual([code, signal], [null, 'SIGTERM']);
  });

  it('uses the stop signal of the app', async () => {
    const boot = {
      end: { stopSignal: 'SIGUSR2', shutdownMessage: false, drainTimeoutMs: 1000, stopTimeoutMs: 1000 },
    } as const;
    const options = { entry: fixture('signals.cjs'), boot };
    const listens = new RigWorker({ ...options, env: { LISTENS: 'SIGTERM SIGUSR2' } });
    await listens.port();
    const { code } = await listens.terminate();
    assert.deepEqual([code, listens.stdout], [4, 'got SIGUSR2 12\n']);
    const deaf = new RigWorker(options);
    await deaf.port();
    assert.equal((await deaf.terminate()).signal, 'SIGUSR2');
  });

  it("says 'shutdown' by message to an application that wants it so", async () => {
    const boot = {
      end: { stopSignal: 'SIGTERM', shutdownMessage: true, drainTimeoutMs: 1000, stopTimeoutMs: 1000 },
    } as const;
    const worker = new RigWorker({ entry: fixture('signals.cjs'), env: { LISTENS: 'SIGTERM message' }, boot });
    await worker.port();
    const { code } = await worker.terminate();
    assert.deepEqual([code, worker.stdout], [4, 'got shutdown undefined\n']);
  });

  it('gives the application what it sends to itself, as under plain node, and what comes from outside to tutti', async () => {
    const worker = await start('SIGTERM SIGINT SIGHUP', { STAYS: '1' });
    const port = await worker.port();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) await fetch({ port, path: `/${signal}` });
    await eventually('all of them', () => worker.stdout === 'got SIGTERM 15\ngot SIGINT 2\ngot SIGHUP 1\n');
    assert.deepEqual(worker.signals, []);
    worker.signal('SIGTERM');
    await eventually('the report', () => worker.signals.length === 1);
    assert.equal(worker.stdout.split('\n').length, 4);
  });

  it('ends by a signal to itself that it does not listen to, and says whose it was', async () => {
    const worker = await start('');
    const answer = fetch({ port: await worker.port(), path: '/SIGTERM' }).catch(() => null);
    const { signal, lastWords } = await worker.input('worker-exit');
    await answer;
    assert.deepEqual([signal, lastWords.explanation], ['SIGTERM', 'the program sent it to itself']);
  });

  it('lets a second signal through once the application has had the first', async () => {
    const worker = await start('SIGTERM', { STAYS: '1' });
    worker.send({ cmd: 'NODE_TUTTI_TERMINATE' });
    await eventually('the first', () => worker.stdout === 'got SIGTERM 15\n');
    worker.signal('SIGTERM');
    await eventually('the second', () => worker.stdout === 'got SIGTERM 15\ngot SIGTERM 15\n');
    worker.signal('SIGINT');
    assert.equal((await worker.input('worker-exit')).signal, 'SIGINT');
  });

  it('gives a HUP to the application when the primary says that it was meant for it', async () => {
    const worker = await start('SIGHUP', { STAYS: '1' });
    worker.signal('SIGHUP');
    await eventually('the report', () => worker.signals.length === 1);
    worker.send({ cmd: 'NODE_TUTTI_SIGNAL', signal: 'SIGHUP' });
    await eventually('the signal', () => worker.stdout === 'got SIGHUP 1\n');
    assert.equal(worker.has('worker-exit'), false);
  });

  it('goes on shielding when the application removes its listeners again', async () => {
    const worker = await start('SIGTERM', { REMOVES: '1' });
    worker.signal('SIGTERM');
    await eventually('the report', () => worker.signals.length === 1);
    await worker.hasRead();
    assert.equal(worker.has('worker-exit'), false);
  });

  it('shows the application only its own listeners, and lets it emit by itself', async () => {
    const worker = new RigWorker({ entry: fixture('signal-listeners.cjs') });
    const { code } = await worker.input('worker-exit');
    assert.equal(code, 0, worker.stderr);
    assert.equal(worker.stdout, ['0 []', '1 [listener]', 'emitted SIGTERM', 'true', 'false'].join('\n').concat('\n'));
  });
});
