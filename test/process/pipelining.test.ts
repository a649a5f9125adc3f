// Promise: a drain answers as many pipelined requests as were executed: nothing is done twice, nothing is done unheard.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startRig } from '../support/rig.ts';

/** Sends batches of pipelined requests until told to stop; what was not answered is sent again on a new connection. */
async function pipeline(port: number, client: number, stopped: () => boolean): Promise<string[]> {
  const answered: string[] = [];
  let next = 0;
  let waiting: string[] = [];
  while (!stopped() || waiting.length > 0) {
    while (waiting.length < 8 && !stopped()) {
      waiting.push(`/${client}/${next}`);
      next += 1;
    }
    const got = await batch(port, waiting, stopped, () => {
      const path = `/${client}/${next}`;
      next += 1;
      return path;
    });
    answered.push(...got.answered);
    waiting = got.unanswered;
  }
  return answered;
}

/** One connection: keeps eight requests on it until the server closes it or the test is over. */
function batch(
  port: number,
  first: readonly string[],
  stopped: () => boolean,
  more: () => string,
): Promise<{ answered: string[]; unanswered: string[] }> {
  return new Promise((resolve) => {
    const open = [...first];
    const answered: string[] = [];
    let text = '';
    const socket = connect({ port, host: '127.0.0.1' });
    const send = (paths: readonly string[]) =>
      socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join(''));
    socket.setEncoding('latin1');
    socket.on('connect', () => send(open));
    socket.on('error', () => {});
    socket.on('data', (chunk: string) => {
      text += chunk;
      let last = false;
      for (;;) {
        const head = text.indexOf('\r\n\r\n');
        if (head === -1) break;
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
        if (text.length < head + 4 + length) break;
        last ||= /connection: close/i.test(text.slice(0, head));
        const path = text.slice(head + 4, head + 4 + length);
        assert.equal(path, open.shift(), 'answers come in the order of the requests');
        answered.push(path);
        text = text.slice(head + 4 + length);
        if (!last && !stopped()) {
          const path = more();
          open.push(path);
          send([path]);
        }
      }
      if (open.length === 0) socket.end();
    });
    socket.on('close', () => resolve({ answered, unanswered: open }));
  });
}

test('pipelined requests through reloads: as many answered as executed', async () => {
  await using rig = await startRig({
    fixture: 'counts-answers.cjs',
    env: { COUNT_FILE: 'executed', HOLD_MS: '5' },
    flags: { 'drain-timeout': '10s' },
  });
  let over = false;
  const clients = Array.from({ length: 12 }, (_, client) => pipeline(rig.port, client, () => over));
  for (let i = 0; i < 3; i += 1) assert.equal((await rig.reload()).type, 'reload-done');
  over = true;
  const answered = (await Promise.all(clients)).flat().sort();
  const executed = readFileSync(`${rig.dir}/executed`, 'utf8').trim().split('\n').sort();
  assert.ok(answered.length > 200, `only ${answered.length} answers`);
  assert.equal(new Set(executed).size, executed.length, 'nothing was executed twice');
  assert.deepEqual(answered, executed);
});
