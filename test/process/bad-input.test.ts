// Promise: one clear error for each mistake – what, the rule, the value, the remedy –, the documented exit code, and nothing
// left behind.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { type Rig, type RigOptions, startRig } from '../support/rig.ts';

interface Mistake {
  name: string;
  rig: RigOptions;
  /** Exit code of the documentation. */
  code: number;
  /** All of these must be in what stderr says. */
  says: RegExp[];
}

const mistakes: Mistake[] = [
  {
    name: 'an entry that does not exist',
    rig: { fixture: '/nowhere/server.js' },
    code: 78,
    says: [/\/nowhere\/server\.js/],
  },
  {
    name: 'workers that are no number',
    rig: { fixture: 'hello.cjs', flags: { workers: 'many' } },
    code: 78,
    says: [/workers/, /many/],
  },
  {
    name: 'a negative number of workers',
    rig: { fixture: 'hello.cjs', flags: { workers: '-2' } },
    code: 78,
    says: [/workers/, /-2/],
  },
  {
    name: 'a negative duration',
    rig: { fixture: 'hello.cjs', flags: { 'drain-timeout': '-5s' } },
    code: 78,
    says: [/drain-timeout/, /-5s/],
  },
  {
    name: 'a duration without sense',
    rig: { fixture: 'hello.cjs', flags: { 'drain-timeout': 'soon' } },
    code: 78,
    says: [/drain-timeout/, /soon/, /30s/],
  },
  {
    name: 'an unknown flag, with a suggestion',
    rig: { fixture: 'hello.cjs', flags: { worker: 2 } },
    code: 64,
    says: [/--worker\b/, /--workers/],
  },
  {
    name: 'an unknown balance',
    rig: { fixture: 'hello.cjs', flags: { balance: 'fair' } },
    code: 78,
    says: [/balance/, /fair/, /least-connections/],
  },
  {
    name: 'a variable of ours without sense',
    rig: { fixture: 'hello.cjs', env: { TUTTI_DRAIN_TIMEOUT: 'soon' } },
    code: 78,
    says: [/TUTTI_DRAIN_TIMEOUT/, /soon/],
  },
];

async function assertRefused(rig: Rig, code: number, says: RegExp[]): Promise<void> {
  const ending = await rig.end(null, 30_000);
  assert.deepEqual(ending, { code, signal: null }, rig.stderr);
  for (const pattern of says) assert.match(rig.stderr, pattern);
  assert.doesNotMatch(rig.stderr, /\n\s+at .*dist\//, 'a stack of ours is no message for a user');
  assert.ok(rig.stderr.trim().split('\n').length <= 12, `one clear error, not a page:\n${rig.stderr}`);
}

for (const { name, rig: options, code, says } of mistakes) {
  test(name, async () => {
    const { workers: _default, ...flags } = { workers: 2, ...options.flags };
    await using rig = await startRig({ ...options, flags: options.flags ?? flags, ready: 0, plain: true });
    await assertRefused(rig, code, says);
  });
}

test('several mistakes at once are all named', async () => {
  const flags = { workers: 'many', 'drain-timeout': 'soon', surge: 0 };
  await using rig = await startRig({ fixture: 'hello.cjs', flags, ready: 0, plain: true });
  await assertRefused(rig, 78, [/workers/, /drain-timeout/, /surge/]);
});

test('a folder without an index', async () => {
  await using place = await startRig({ fixture: 'hello.cjs', flags: { workers: 1 } });
  mkdirSync(`${place.dir}/empty`);
  await using rig = await startRig({ fixture: `${place.dir}/empty`, ready: 0, plain: true });
  await assertRefused(rig, 78, [/empty/, /index/]);
});

test('a file that may not be read', { skip: process.getuid?.() === 0 && 'root may read everything' }, async () => {
  await using place = await startRig({ fixture: 'hello.cjs', flags: { workers: 1 } });
  writeFileSync(`${place.dir}/secret.cjs`, '');
  chmodSync(`${place.dir}/secret.cjs`, 0);
  await using rig = await startRig({ fixture: `${place.dir}/secret.cjs`, ready: 0, plain: true });
  await assertRefused(rig, 77, [/secret\.cjs/]);
});

test('a configuration file: an unknown key, a value without sense, a throw', async () => {
  await using place = await startRig({ fixture: 'hello.cjs', flags: { workers: 1 } });
  const files: [string, string, RegExp[]][] = [
    ['key.json', JSON.stringify({ entry: 'x.cjs', worker: 2 }), [/key\.json/, /worker\b/, /workers/]],
    ['value.json', JSON.stringify({ entry: 'x.cjs', drainTimeout: 'soon' }), [/value\.json/, /drainTimeout/, /soon/]],
    ['throws.mjs', 'throw new Error("no settings today");', [/throws\.mjs/, /no settings today/]],
    ['syntax.json', '{ "entry": ', [/syntax\.json/]],
  ];
  for (const [name, text, says] of files) {
    writeFileSync(`${place.dir}/${name}`, text);
    await using rig = await startRig({
      fixture: 'hello.cjs',
      flags: { config: `${place.dir}/${name}` },
      ready: 0,
      plain: true,
    });
    await assertRefused(rig, 78, says);
  }
});

test('a port in use: the application hears it, and tutti leaves with 69', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  try {
    await using rig = await startRig({ fixture: 'listen-error.cjs', port, ready: 0, plain: true });
    const ending = await rig.end(null);
    assert.match(rig.stderr, new RegExp(`listen failed: EADDRINUSE listen 127.0.0.1:${port}`));
    assert.deepEqual(ending, { code: 69, signal: null }, rig.stderr);
    taken.close();
  } finally {
    taken.close();
  }
});
