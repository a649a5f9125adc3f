// Promise: nothing phones home. Whoever of tutti – supervisor, log process, preload, every command – wants to reach a network is written
// down while the app is started, probed, watched, reloaded, scaled, crashed and stopped.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';

test('nothing of tutti reaches for a network, whatever is done with it', async () => {
  await using cli = await openCli();
  const file = join(cli.dir, 'connections');
  const env = { CONNECTIONS: file, NODE_OPTIONS: `--require ${cli.fixture('tells-connections.cjs')}` };
  cli.write(
    'app.cjs',
    `const net = require('node:net');
     require('node:http').createServer((request, answer) => {
       if (request.url === '/crash') throw new Error('boom');
       if (request.url !== '/out') return answer.end();
       net.connect(9, '127.0.0.9').on('error', () => answer.end());
     }).listen(process.env.PORT);`,
  );
  const admin = await freePort();
  const flags = ['-i', '2', '--canary-time', '0', '--probe', '/', '--admin', `${admin}`, '--log-format', 'json'];
  await cli.ok(['start', 'app.cjs', '-n', 'web', ...flags], { env });
  for (const path of ['/', '/metrics', '/v1/status']) await fetch({ port: admin, path });
  await fetch({ port: cli.port, path: '/crash' }).catch(() => {});
  await eventually('both are ready again', async () =>
    (await cli.snapshot('web')).workers.every(({ state, restarts }, slot, all) => {
      return state === 'ready' && all.some((one) => one.restarts > 0) && restarts >= 0 && slot >= 0;
    }),
  );
  for (const command of [
    'status',
    'reload',
    'scale web 3',
    'recycle',
    'events',
    'logs',
    'describe',
    'check app.cjs',
    'rollback',
  ]) {
    await cli.ok(command.split(' '), { env });
  }
  await cli.run(['doctor'], { env });
  assert.equal(existsSync(file) ? readFileSync(file, 'utf8') : '', '', 'tutti wanted to reach somebody');
  // What the application does itself is seen, so that the silence above says something.
  await fetch({ port: cli.port, path: '/out' });
  assert.equal(readFileSync(file, 'utf8'), '127.0.0.9\n');
  await cli.ok(['delete', 'web'], { env });
  assert.equal(readFileSync(file, 'utf8'), '127.0.0.9\n');
});
