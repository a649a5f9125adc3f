// What may be read of an app's secrets, and by whom: nothing by others, nothing in what `tutti check` prints.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../../support/cli.ts';

const secrets = ['--env', 'DB_PASSWORD=hunter2', '--', '--token=s3cret', '--key', 'sesame', '-v', 'open'];

test('tutti check prints the names of variables and arguments, never their values', async () => {
  await using cli = await openCli();
  cli.write(
    'tutti.config.json',
    JSON.stringify({ entry: cli.fixture('hello.cjs'), env: { API_KEY: 'hunter2' }, args: ['--pin=hunter2'] }),
  );
  for (const args of [[], ['--json']]) {
    const typed = await cli.ok(['check', cli.fixture('hello.cjs'), ...args, '--config', 'none', ...secrets]);
    const configured = await cli.ok(['check', ...args]);
    assert.doesNotMatch(typed.stdout + configured.stdout, /hunter2|s3cret|sesame/);
    assert.match(typed.stdout, /DB_PASSWORD/);
    assert.match(typed.stdout, /--token=\*\*\*/);
    assert.match(configured.stdout, /API_KEY/);
    assert.match((await cli.ok(['check', ...args, '--values'])).stdout, /hunter2/);
  }
});

test('what starts an app again is kept for its user alone, and the token goes with the app', async () => {
  await using cli = await openCli();
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', ...secrets]);
  const record = join(cli.home, 'apps', 'web.json');
  assert.equal(statSync(record).mode & 0o777, 0o600);
  assert.match(readFileSync(record, 'utf8'), /hunter2/);
  const token = join(cli.home, 'run', 'web.token');
  assert.ok(existsSync(token));
  await cli.ok(['stop', 'web']);
  assert.ok(existsSync(token), 'scripts may hold it');
  await cli.ok(['delete', 'web']);
  assert.ok(!existsSync(record) && !existsSync(token));
});

test('a profile or a snapshot is never written into a file that is there, or through a link', async () => {
  await using cli = await openCli();
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1']);
  const victim = cli.write('victim', 'mine');
  writeFileSync(join(cli.dir, 'out.html'), 'theirs');
  symlinkSync(victim, join(cli.dir, 'out.heapsnapshot'));
  for (const args of [
    ['profile', 'web', '--slot', '0', '--seconds', '0.2', '--out', 'out'],
    ['heap', 'web', '--slot', '0', '--out', 'out.heapsnapshot'],
  ]) {
    const { code, stderr } = await cli.run(args);
    assert.equal(code, 6, stderr);
    assert.match(stderr, /it exists already/);
  }
  assert.equal(readFileSync(victim, 'utf8'), 'mine');
  assert.equal(readFileSync(join(cli.dir, 'out.html'), 'utf8'), 'theirs');
  cli.write('file', '');
  cli.write('ecosystem.config.js', 'module.exports = { apps: [] }');
  const places: [string, RegExp][] = [
    ['no/such/folder/x', /there is no folder .*Make it \(mkdir -p .*no\/such\/folder\)/s],
    ['file/x', /file is not a folder/],
    [cli.dir, /it is a folder, not a file/],
    ['', /it is empty/],
  ];
  for (const command of [
    ['profile', 'web', '--slot', '0'],
    ['heap', 'web', '--slot', '0'],
    ['import', 'pm2', 'ecosystem.config.js'],
  ]) {
    for (const [place, why] of places) {
      // The profile of a folder is a file beside it.
      if (place === cli.dir && command[0] === 'profile') continue;
      const { code, stderr } = await cli.run([...command, '--out', place]);
      assert.equal(code, 64, `${command} ${place}: ${stderr}`);
      assert.match(stderr, why);
    }
  }
  assert.ok(!existsSync(join(cli.home, 'inspections', 'web')), 'something was recorded in vain');
});
