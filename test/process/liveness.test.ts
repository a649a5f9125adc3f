// What looks like a hang and is none: a debugger, and a stall that all workers share.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { eventually } from '../support/eventually.ts';
import { startRig } from '../support/rig.ts';

const livenessMs = 6_000;
const flags = { 'liveness-timeout': `${livenessMs}ms` };
const pass = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

test('a worker that a debugger holds is left alone for as long as it likes', async () => {
  await using rig = await startRig({
    fixture: 'hello.cjs',
    flags: { ...flags, workers: 1, 'node-arg': '--inspect=127.0.0.1:0' },
  });
  let url: string | undefined;
  await eventually('the inspector to listen', () => {
    url = /Debugger listening on (ws:\S+)/.exec(rig.stderr + rig.stdout)?.[1];
    return url !== undefined;
  });
  // Its heartbeat has said that it is under a debugger.
  await pass(1_500);
  const socket = new WebSocket(String(url));
  await new Promise((done) => socket.once('open', done));
  const paused = new Promise<void>((done) => {
    socket.on('message', (text) => {
      if (JSON.parse(String(text)).method === 'Debugger.paused') done();
    });
  });
  for (const [index, method] of ['Debugger.enable', 'Debugger.pause'].entries()) {
    socket.send(JSON.stringify({ id: index + 1, method }));
  }
  await paused;
  await pass(livenessMs + 3_000); // the time itself is what is tested
  assert.deepEqual(rig.events.all('worker-suspect'), []);
  assert.deepEqual(rig.events.all('worker-exit'), []);
  socket.send(JSON.stringify({ id: 3, method: 'Debugger.resume' }));
  socket.close();
  assert.equal((await rig.fetch()).status, 200);
});

test('all 8 workers stalled by a common cause: at most one is killed per window, and the others go on', async () => {
  const workers = 8;
  await using rig = await startRig({
    fixture: 'hello.cjs',
    flags: { ...flags, workers },
    env: { TUTTI_AUTOPSY: 'off' },
  });
  const stalled = rig.ready();
  for (const pid of stalled) process.kill(pid, 'SIGSTOP');
  const hung = ({ type, reason }: { type: string; reason?: unknown }) => type === 'worker-exit' && reason === 'hung';
  const first = await rig.waitFor(hung);
  await pass(livenessMs - 2_000); // within the same window nobody else may die
  assert.equal(rig.events.all('worker-exit').length, 1, 'one in a window');
  for (const pid of stalled) if (pid !== first.pid) process.kill(pid, 'SIGCONT');
  await eventually('the seven to answer again', () => rig.events.all('worker-recovered').length === workers - 1);
  await rig.untilReady(workers);
  assert.equal(rig.events.all('worker-exit').length, 1);
  assert.deepEqual(
    stalled.filter((pid) => !rig.ready().includes(pid)),
    [first.pid],
  );
});
