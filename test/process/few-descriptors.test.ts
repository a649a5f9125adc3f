// Promise: clients cannot take what the primary needs to fork workers and to answer its operator, and when they have gone all is well.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/port-clients.ts';

test('round-robin, 64 open files and 300 connections: status, reload and stop work, and it recovers', async () => {
  await using cli = await openCli();
  cli.prefix = ['sh', '-c', 'ulimit -n 64; exec "$0" "$@"'];
  const options = ['-n', 'web', '-i', '2', '--balance', 'round-robin', '--canary-time', '0', '--drain-timeout', '2s'];
  assert.equal((await cli.run(['start', cli.fixture('hello.cjs'), ...options])).code, 0);
  const sockets = await Promise.all(Array.from({ length: 300 }, () => open(cli.port)));
  try {
    assert.equal((await cli.run(['status', 'web'])).code, 0);
    assert.equal((await cli.run(['reload', 'web'])).code, 0);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await eventually('both workers to answer', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask(cli.port)));
    return new Set(answers.map(({ text }) => text)).size === 2;
  });
  assert.equal((await cli.run(['stop', 'web'])).code, 0);
});

/** Whatever becomes of it. */
function open(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(socket));
  });
}
