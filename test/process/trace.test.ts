// TUTTI_TRACE: everything that the core is told, in a file for nobody else, which `npm run replay` can go through again.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { root, startRig } from '../support/rig.ts';

function replay(file: string) {
  const args = ['--import', 'tsx', 'scripts/replay-trace.ts', file];
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 60_000 });
}

test('what happened to an app can be gone through again, and nobody else hears of it', async () => {
  // The rig's folder is the primary's current one.
  const variables = { TUTTI_TRACE: 'core.ndjson', PASSWORD: 'hunter2' };
  await using rig = await startRig({ fixture: 'mirror.cjs', env: variables });
  const file = join(rig.dir, 'core.ndjson');
  const { env } = JSON.parse((await rig.fetch('/')).body) as { env: Record<string, string> };
  assert.equal(env.PASSWORD, 'hunter2');
  assert.ok(!('TUTTI_TRACE' in env));
  const [victim = 0] = rig.ready();
  process.kill(victim, 'SIGKILL');
  await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === victim);
  await rig.untilReady(2);
  rig.signal('SIGHUP');
  await rig.waitFor('reload-done');
  // It is readable while the app runs.
  await eventually('the reload to stand in the trace', () => /"type":"reload"/.test(readFileSync(file, 'utf8')));
  assert.deepEqual(await rig.end('SIGTERM'), { code: 0, signal: null });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /hunter2/);

  const { status, stdout, stderr } = replay(file);
  assert.equal(status, 0, stderr);
  // What the primary did then is what the core does now.
  const times = (text: string): number => stdout.split(text).length - 1;
  assert.equal(times(' ready after '), rig.events.all('worker-ready').length);
  assert.equal(times(' worker-exit worker='), rig.events.all('worker-exit').length);
  assert.match(stdout, new RegExp(`pid ${victim}.*SIGKILL`));
  assert.match(stdout, /generation 2 serves/);
  assert.match(stdout, /→ exit code=0/);

  writeFileSync(file, 'no trace\n');
  const refused = replay(file);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /core\.ndjson cannot be replayed: .*line 1: not JSON/);
});

test('where no trace can be written, the app runs without', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', env: { TUTTI_TRACE: '/dev/null/core.ndjson' } });
  const notice = await rig.waitFor('notice');
  assert.match(String(notice.message), /without a trace .*TUTTI_TRACE=\/dev\/null\/core\.ndjson.*ENOTDIR/);
  assert.equal((await rig.fetch('/')).status, 200);
});
