// tutti stack, profile and heap: looks into a living worker that cost no request.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { binPath, nodePath, startRig } from '../support/rig.ts';

const run = promisify(execFile);

test('an idle worker is told to be idle, instead of what looking at it takes', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { name: 'rests' } });
  const args = [binPath, 'stack', 'rests', '--seconds', '0.5', '--json'];
  const { stacks } = JSON.parse((await run(nodePath, args, { env: rig.environment() })).stdout);
  const frames: { function: string }[] = stacks.flatMap((stack: { frames: object[] }) => stack.frames);
  assert.ok(!frames.some(({ function: name }) => name === 'record'), JSON.stringify(stacks));
});

test('a worker is looked into while it serves: hot stacks, a CPU profile with its flame graph, a heap snapshot', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { name: 'seen' } });
  await using load = await startLoad({ port: rig.port });
  await load.more(200);
  const out = mkdtempSync(join(tmpdir(), 'tutti-inspect-'));
  try {
    const env = rig.environment();
    const tutti = async (...args: string[]) => (await run(nodePath, [binPath, ...args], { env, cwd: out })).stdout;

    const stack = JSON.parse(await tutti('stack', 'seen', '--slot', '1', '--seconds', '0.5', '--json'));
    assert.ok(stack.stacks.length > 0 && stack.stacks[0].share > 0 && stack.stacks[0].frames.length > 0);
    const text = await tutti('stack', 'seen', '--slot', '0', '--seconds', '0.5');
    assert.match(text, /^Worker 0 of seen, watched for 0\.5 s: \d+\.\d % of the time[^\n]*\n\s+\d+\.\d %/);

    const written = (await tutti('profile', 'seen', '--slot', '1', '--seconds', '0.5', '--out', 'slow'))
      .trim()
      .split('\n');
    assert.deepEqual(written, [join(out, 'slow.cpuprofile'), join(out, 'slow.html')]);
    const profile = JSON.parse(readFileSync(join(out, 'slow.cpuprofile'), 'utf8'));
    assert.ok(profile.samples.length > 50, `${profile.samples.length} samples`);
    assert.ok(profile.nodes.some((node: { callFrame: { url: string } }) => node.callFrame.url.endsWith('hello.cjs')));
    assert.match(readFileSync(join(out, 'slow.html'), 'utf8'), /<title>seen, worker 1, 0.5 s<\/title>/);

    const { heapSnapshot: heap, ...of } = JSON.parse(await tutti('heap', 'seen', '--slot', '0', '--json'));
    assert.deepEqual(of, { schema: 1, app: 'seen', slot: 0 });
    assert.match(heap, /seen-slot-0-\d{8}T\d{6}Z\.heapsnapshot$/);
    assert.ok(JSON.parse(readFileSync(heap, 'utf8')).snapshot.node_count > 1000);
    for (const name of readdirSync(out)) assert.equal(statSync(join(out, name)).mode & 0o777, 0o600, name);

    await assert.rejects(tutti('stack', 'seen', '--slot', '7'), /no worker lives in slot 7/);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
  assertNothingLost(await load.stop(), 200);
  assert.equal(rig.events.all('worker-exit').length, 0);
});
