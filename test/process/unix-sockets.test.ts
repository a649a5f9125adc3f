// Clients find a unix socket by its path, which the primary keeps for as long as the app listens.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { startRig } from '../support/rig.ts';

async function ask(socketPath: string): Promise<number> {
  return Number((await fetch({ socketPath })).body);
}

test('the path of a unix socket stays, although every worker removes it before it listens and when it ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unix-'));
  const socket = join(folder, 'app.sock');
  try {
    await using rig = await startRig({ fixture: 'unlinks-socket.cjs', env: { SOCKET: socket } });
    assert.ok(rig.ready().includes(await ask(socket)));
    const before = rig.ready();
    assert.equal((await rig.reload()).type, 'reload-done');
    assert.ok(!before.includes(await ask(socket)));
    const [lost] = rig.ready();
    assert.ok(lost !== undefined);
    process.kill(lost, 'SIGTERM');
    await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === lost);
    await eventually('the path to be back', () => existsSync(socket));
    assert.ok((await ask(socket)) > 0);
    assert.deepEqual(await rig.end(), { code: 0, signal: null });
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
