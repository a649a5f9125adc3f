// The look into a process whose loop stands still, with plain node processes.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { autopsy } from '../../src/host/autopsy.ts';

async function start(t: TestContext, name: string, text: string, nodeArgs: string[] = []): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-autopsy-'));
  const file = join(folder, name);
  writeFileSync(file, text);
  const started = spawn(process.execPath, ['--inspect-port=0', ...nodeArgs, file], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(async () => {
    started.stdin?.destroy(); // ends what reads from it too
    if (started.exitCode === null && started.signalCode === null) {
      const ended = once(started, 'exit');
      started.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  await once(started.stdout as NodeJS.ReadableStream, 'data');
  return started;
}

const SPIN = `
process[Symbol.for('tutti.requests')] = () => [{ method: 'GET', path: '/slow', ageMs: 5 }];
function hotLoop() {
  for (let i = 0; ; i++) if (i < 0) return;
}
function handler() { hotLoop(); }
setImmediate(() => { require('node:fs').writeSync(1, 'spinning'); handler(); });
`;

test('autopsy() names the function that spins, its file and line, and the requests in flight', async (t) => {
  const { pid } = await start(t, 'spin.cjs', SPIN);
  const { doing, stack, why, requests } = await autopsy(pid as number, { timeoutMs: 5000, forbidden: null });
  assert.equal(why, null);
  assert.equal(doing, 'spinning');
  assert.deepEqual(
    stack?.slice(0, 2).map((frame) => frame.function),
    ['hotLoop', 'handler'],
  );
  assert.match(stack?.[0]?.file ?? '', /spin\.cjs$/);
  assert.ok([3, 4].includes(stack?.[0]?.line ?? 0), `line ${stack?.[0]?.line}`);
  assert.deepEqual(requests, [{ method: 'GET', path: '/slow', ageMs: 5 }]);
});

test('autopsy() gives positions in the TypeScript source', async (t) => {
  const source = `import { writeSync } from 'node:fs';
interface Padding {
  a: string;
  b: number;
}
enum Kind { A, B }
function spinsForEver(padding: Padding | Kind): never {
  for (;;) if (Number(padding) === 17) throw new Error();
}
setImmediate(() => { writeSync(1, 'x'); spinsForEver({ a: '', b: 1 }); });
`;
  const { pid } = await start(t, 'spin.mts', source, ['--import', import.meta.resolve('tsx')]);
  const { stack } = await autopsy(pid as number, { timeoutMs: 5000, forbidden: null });
  assert.equal(stack?.[0]?.function, 'spinsForEver');
  assert.match(stack?.[0]?.file ?? '', /spin\.mts$/);
  assert.ok([7, 8].includes(stack?.[0]?.line ?? 0), `line ${stack?.[0]?.line}`);
});

test('autopsy() of a process that waits in one place tells so, in time', async (t) => {
  const { pid } = await start(
    t,
    'wait.cjs',
    `setImmediate(() => { require('node:fs').writeSync(1, 'x'); require('node:child_process').execFileSync('cat', { stdio: 'inherit' }); });`,
  );
  const { doing, stack, why } = await autopsy(pid as number, { timeoutMs: 1000, forbidden: null });
  assert.equal(doing, 'waiting');
  assert.equal(stack, null);
  assert.match(why ?? '', /no answer within 1000 ms/);
});

test('autopsy() opens no inspector where that is forbidden, nor in a stopped process', async (t) => {
  const running = await start(t, 'spin.cjs', SPIN);
  const pid = running.pid as number;
  const refused = await autopsy(pid, { timeoutMs: 1000, forbidden: 'the application handles SIGUSR1' });
  assert.deepEqual([refused.doing, refused.stack, refused.why], ['spinning', null, 'the application handles SIGUSR1']);
  running.kill('SIGSTOP');
  const stopped = await autopsy(pid, { timeoutMs: 1000, forbidden: null });
  assert.equal(stopped.doing, 'stopped');
  assert.match(stopped.why ?? '', /stopped by a signal/);
});
