// Promise: the first worker waits for nothing that the primary could load later.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { binPath, root, startRig } from '../support/rig.ts';

test('performance.now(), which has Node load nine modules, is not asked before the first worker is forked', async () => {
  const fixture = join(root, 'test/fixtures/hello.cjs');
  const hook = join(root, 'test/support/first-fork.cjs');
  await using rig = await startRig({
    fixture,
    command: ['--require', hook, binPath, 'run', fixture, '--workers', '2', '--json'],
    env: { LOADED_FILE: 'loaded' },
  });
  const loaded = readFileSync(join(rig.dir, 'loaded'), 'utf8').split('\n');
  assert.ok(loaded.includes('NativeModule cluster'), 'the list is one');
  assert.ok(!loaded.includes('NativeModule perf_hooks'));
});
