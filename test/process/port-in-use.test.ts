// A bind error reaches the application's own 'error' handler as under plain node, and tutti tells the cause also when the
// application has handled it and left with a code of its own.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { startRig } from '../support/rig.ts';

test('a port in use, handled by the application: its handler hears it, and tutti leaves with 69', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  await using rig = await startRig({ fixture: 'listen-error.cjs', port, ready: 0, plain: true });
  const ending = await rig.end(null);
  taken.close();
  assert.match(rig.stderr, new RegExp(`listen failed: EADDRINUSE listen 127.0.0.1:${port}`));
  assert.deepEqual(ending, { code: 69, signal: null }, rig.stderr);
  assert.match(rig.stderr, /ERR_PORT_IN_USE/);
});
