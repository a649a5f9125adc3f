// A configuration file is code. One that was found, not named, is run only where nobody else could have put it there, and only by the
// commands that start something. Other users are played by root, so these tests need root.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Cli, openCli } from '../../support/cli.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root, to play another user';
const mallory = 65_534;

/** A folder like /tmp, with a configuration file in it that says when it is run. */
function trap(cli: Cli, folder = join(cli.dir, 'shared')): { folder: string; file: string; ran: () => boolean } {
  const proof = join(cli.dir, 'ran');
  const file = join(folder, 'tutti.config.js');
  mkdirSync(folder);
  chmodSync(folder, 0o1777);
  writeFileSync(
    file,
    `require('fs').writeFileSync(${JSON.stringify(proof)}, ''); module.exports = { entry: 'x.js', name: 'web' };`,
  );
  chownSync(file, mallory, mallory);
  return { folder, file, ran: () => existsSync(proof) };
}

test('no command runs a configuration file that another user has put there', { skip }, async () => {
  await using cli = await openCli();
  const { folder, ran } = trap(cli);
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1']);
  const where = { cwd: folder };
  for (const args of [['logs'], ['describe'], ['events'], ['reload'], ['scale', '1'], ['recycle'], ['stop']]) {
    const { code, stderr } = await cli.run(args, where);
    assert.equal(code, 5, `${args}: ${stderr}`);
    assert.match(stderr, /nothing that runs came from ".*tutti\.config\.js"; what runs is web/);
  }
  for (const args of [['check'], ['start'], ['run']]) {
    const { code, stderr } = await cli.run(args, where);
    assert.equal(code, 77, `${args}: ${stderr}`);
    assert.match(stderr, /it belongs to user 65534|everybody may write to it/);
    assert.match(stderr, /name it: --config/);
  }
  await cli.ok(['logs', 'web'], where);
  await cli.ok(['stop', 'web'], where);
  const again = await cli.ok(['start', 'web'], where);
  assert.match(again.stderr, /which was found here/);
  assert.equal((await cli.snapshot('web')).config, null);
  assert.ok(!ran(), 'the file was run');
});

test('a foreign file is passed over with one line where a program is named, and used where it is named itself', {
  skip,
}, async () => {
  await using cli = await openCli();
  const { folder, file, ran } = trap(cli);
  writeFileSync(join(folder, 'x.js'), '');
  const passed = await cli.ok(['check', 'x.js'], { cwd: folder });
  assert.match(passed.stdout, /which was found here: .*If you trust it, name it/);
  assert.ok(!ran());
  await cli.ok(['check', '--config', file], { cwd: folder });
  assert.ok(ran());
});

test('what others may write to is not trusted either: the file, its folder, a folder above, a link', {
  skip,
}, async () => {
  await using cli = await openCli();
  const mine = (folder: string): string => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'x.js'), '');
    writeFileSync(join(folder, 'tutti.config.json'), '{ "entry": "x.js" }');
    return folder;
  };
  const writable = mine(join(cli.dir, 'a'));
  chmodSync(join(writable, 'tutti.config.json'), 0o666);
  const group = mine(join(cli.dir, 'b'));
  chmodSync(join(group, 'tutti.config.json'), 0o664);
  chownSync(join(group, 'tutti.config.json'), 0, mallory);
  const folder = mine(join(cli.dir, 'c'));
  chmodSync(folder, 0o1777);
  const below = mine(join(cli.dir, 'd', 'e'));
  chmodSync(join(cli.dir, 'd'), 0o777);
  const link = join(cli.dir, 'f');
  mkdirSync(link);
  symlinkSync(join(below, 'tutti.config.json'), join(link, 'tutti.config.json'));
  for (const cwd of [writable, group, folder, below, link]) {
    const { code, stderr } = await cli.run(['check'], { cwd });
    assert.equal(code, 77, `${cwd}: ${stderr}`);
    assert.match(stderr, /may write to it/);
  }
  // Nobody takes away from a sticky folder what is another's, and the owner's own group is nobody else.
  const sticky = mine(join(cli.dir, 'g', 'h'));
  chmodSync(join(cli.dir, 'g'), 0o1777);
  chmodSync(join(sticky, 'tutti.config.json'), 0o664);
  await cli.ok(['check'], { cwd: sticky });
});

test('commands without a name find the apps of the folder, in the order of its file, and do not run the file', async () => {
  await using cli = await openCli();
  const ran = join(cli.dir, 'ran');
  const config = (first: string, second: string) =>
    `if (require('fs').existsSync(${JSON.stringify(ran)})) throw new Error('it was run');
     const app = (name) => ({ name, entry: ${JSON.stringify(cli.fixture('hello.cjs'))}, env: { PORT: '0' }, workers: 1 });
     module.exports = { apps: [app('${first}'), app('${second}')] };`;
  cli.write('tutti.config.cjs', config('web', 'api'));
  await cli.ok(['start']);
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'other', '-i', '1', '--config', 'none'], {
    env: { PORT: '0' },
  });
  const reloaded = await cli.ok(['reload', '--json']);
  assert.deepEqual(
    JSON.parse(reloaded.stdout).results.map(({ app }: { app: string }) => app),
    ['web', 'api'],
  );
  writeFileSync(ran, '');
  assert.match((await cli.run(['stack'])).stderr, /which app is meant: 2 run: web, api/);
  assert.match((await cli.run(['logs'])).stderr, /No line in \S*web\.log, \S*api\.log\./);
  await cli.ok(['stop', 'tutti.config.cjs']);
  assert.equal((await cli.snapshot('other')).state, 'running');
  assert.match((await cli.run(['reload'])).stderr, /Cannot reach the app "api|Cannot reach the app "web/);
  await cli.ok(['delete', 'tutti.config.cjs']);
});
