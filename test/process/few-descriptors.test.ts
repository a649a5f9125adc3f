// Promise: clients cannot take what the primary needs to fork workers and to answer its operator, and when they have gone all is well.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/port-clients.ts';

for (const [balance, files] of [
  ['round-robin', 64],
  ['least-connections', 64],
  ['least-connections', 1024],
] as const) {
  test(`${balance}, ${files} open files and 300 connections: status, reload and stop work, and it recovers`, () =>
    serves(balance, files));
}

test('workers that want more than there are leave the primary enough to be seen and stopped', async () => {
  await using cli = await openCli();
  cli.prefix = ['sh', '-c', 'ulimit -n 44; exec "$0" "$@"'];
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '24', '--canary-time', '0']);
  await eventually('a start that is refused', () => cli.logs().includes('too many open files'));
  assert.ok((await cli.snapshot('web')).workers.length > 0);
  await cli.ok(['stop', 'web']);
});

async function serves(balance: string, files: number): Promise<void> {
  await using cli = await openCli();
  cli.prefix = ['sh', '-c', `ulimit -n ${files}; exec "$0" "$@"`];
  const options = ['-n', 'web', '-i', '2', '--balance', balance, '--canary-time', '0', '--drain-timeout', '2s'];
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
}

/** Whatever becomes of it. */
function open(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(socket));
  });
}
