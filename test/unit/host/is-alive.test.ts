import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isAlive } from '../../../src/protocol/orphans/process-identity.ts';

test('a process lives until it has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  assert.equal(isAlive(child.pid as number), true);
  child.stdin.end();
  await once(child, 'exit');
  assert.equal(isAlive(child.pid as number), false);
});

test('one that may not be signalled lives', (t) => {
  t.mock.method(process, 'kill', () => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  assert.equal(isAlive(process.pid), true);
});
