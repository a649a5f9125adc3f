// systemd's own tool hands down two ports and a unix socket: each goes to the listen() with its address, and the one that nobody asks for is told.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EventLog } from '../../support/event-log.ts';
import { eventually } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import { freePort } from '../../support/free-port.ts';
import '../../support/own-home.ts';
import { binPath, nodePath } from '../../support/rig.ts';

const has = spawnSync('systemd-socket-activate', ['--version']).status === 0;

test('each socket of systemd goes to the listen() of its address', {
  skip: has ? false : 'systemd-socket-activate is not installed',
}, async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'activate-')));
  const [port, unused, path] = [await freePort(), await freePort(), join(folder, 'app.sock')];
  const entry = join(folder, 'server.cjs');
  writeFileSync(
    entry,
    `const http = require('node:http');
const answer = (what) => (_request, response) => response.end(what + ' ' + process.env.NOTIFY_SOCKET);
http.createServer(answer('port')).listen(${port}, '127.0.0.1');
http.createServer(answer('path')).listen(${JSON.stringify(path)});`,
  );
  const sockets = [`127.0.0.1:${port}`, `127.0.0.1:${unused}`, path].flatMap((address) => ['--listen', address]);
  const run = [nodePath, binPath, 'run', entry, '--workers', '2', '--json', '--name', `activated-${process.pid}`];
  const home = ['--setenv', `TUTTI_HOME=${process.env.TUTTI_HOME}`, '--setenv', `PATH=${process.env.PATH}`];
  const primary = spawn('systemd-socket-activate', [...sockets, ...home, ...run], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const events = new EventLog();
    primary.stderr.setEncoding('utf8').on('data', (text: string) => events.read('stderr', text));
    // The tool starts the program when the first client knocks, who waits for the answer.
    const first = await eventually('the port to be open', () => fetch({ port }));
    assert.equal(first.body, 'port undefined');
    assert.equal((await fetch({ socketPath: path })).body, 'path undefined');
    const told = await events.waitFor('inherited-unused');
    assert.deepEqual(
      (told.listeners as { port: number }[]).map((listener) => listener.port),
      [unused],
    );
  } finally {
    if (primary.exitCode === null) {
      const ended = once(primary, 'exit');
      primary.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
});
