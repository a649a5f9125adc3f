// Dead and gone are two things: the first thread of a process can have ended while another still holds its descriptors.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { identityOf, isGone, lives, statFields } from '../../../src/protocol/orphans/process-identity.ts';
import { eventually } from '../../support/eventually.ts';

/** Its first thread ends at once, the other one when its input does. */
const twoThreads = `
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print('ready', flush=True)
ctypes.CDLL(None).pthread_exit(None)`;

const skip = spawnSync('python3', ['-c', '']).status !== 0 && 'there is no python3';

test('a process whose first thread has ended is dead, and gone only with its last one', { skip }, async () => {
  const child = spawn('python3', ['-c', twoThreads], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { pid = 0 } = child;
  const identity = identityOf(pid);
  assert.ok(identity);
  assert.deepEqual([lives(identity), isGone(identity)], [true, false]);
  await once(child.stdout, 'data');
  await eventually('its first thread has ended', () => statFields(pid)?.[0] === 'Z');
  assert.deepEqual([lives(identity), isGone(identity)], [false, false]);
  child.stdin.end();
  await once(child, 'exit');
  assert.deepEqual([lives(identity), isGone(identity)], [false, true]);
});

test('another process of the same number is another one', () => {
  const other = { pid: process.pid, born: '1' };
  assert.deepEqual([lives(other), isGone(other)], [false, true]);
});
