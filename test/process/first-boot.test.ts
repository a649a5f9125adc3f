// Promise: the orchestrator is told the truth about an app that cannot start.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { startRig } from '../support/rig.ts';

test('never ready because it throws: exit 3, with the reason on stderr', async () => {
  await using rig = await startRig({ fixture: 'throws-on-boot.cjs', ready: 0, plain: true });
  assert.deepEqual(await rig.end(null), { code: 3, signal: null });
  assert.match(rig.stderr, /boom on boot/);
});

test('never ready because it does not listen: exit 3 after startTimeout', async () => {
  await using rig = await startRig({
    fixture: 'never-listens.cjs',
    ready: 0,
    plain: true,
    flags: { 'start-timeout': '1s', 'stop-timeout': '500ms' },
  });
  assert.deepEqual(await rig.end(null), { code: 3, signal: null });
  assert.match(rig.stderr, /did not listen within 1000 ms/);
  assert.match(rig.stderr, /--ready started/);
});

test('a syntax error: exit 3, and Node says where', async () => {
  await using rig = await startRig({ fixture: 'broken/syntax-error.cjs', ready: 0, plain: true });
  assert.deepEqual(await rig.end(null), { code: 3, signal: null });
  assert.match(rig.stderr, /SyntaxError/);
});

for (const [fixture, code, said] of [
  ['broken/missing-module.cjs', 3, /^Error: Cannot find module/gm],
  ['broken/missing-module.mjs', 3, /^Error \[ERR_MODULE_NOT_FOUND\]: /gm],
  ['broken/syntax-error.cjs', 3, /^SyntaxError: /gm],
  ['hello.cjs', 69, /^Error: listen EADDRINUSE: /gm],
] as const) {
  test(`what another try does not cure is not tried again, and said once: ${said.source}`, async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    await using rig = await startRig({ fixture, port, ready: 0, plain: true, flags: { workers: 3 } });
    const ending = await rig.end(null);
    taken.close();
    assert.deepEqual(ending, { code, signal: null }, rig.stderr);
    assert.equal(rig.stderr.match(said)?.length, 1, rig.stderr);
    assert.equal(rig.stderr.match(/^tutti: Cannot start: /gm)?.length, 1, rig.stderr);
    assert.doesNotMatch(rig.stderr, /restarts/);
  });
}

test('slow to start is not broken', async () => {
  await using rig = await startRig({ fixture: 'slow-start.cjs', env: { START_MS: '1500' } });
  assert.equal((await rig.fetch()).status, 200);
});

test('healthy once, then none ready for giveUp: exit 75', async () => {
  await using rig = await startRig({ fixture: 'cursed.cjs', env: { CURSE: 'curse' }, flags: { 'give-up': '2s' } });
  writeFileSync(`${rig.dir}/curse`, '');
  for (const pid of rig.workers()) process.kill(pid, 'SIGKILL');
  assert.deepEqual(await rig.end(null), { code: 75, signal: null });
  rmSync(`${rig.dir}/curse`);
});
