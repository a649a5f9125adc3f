// The state folder is looked at before anything in it is read or written: what lies there is started, and what is written there must go
// nowhere else. Other users are played by root, so most of these tests need root.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Cli, openCli } from '../../support/cli.ts';
import { binPath, nodePath } from '../../support/rig.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root, to play another user';
const mallory = 65_534;

const commands = [
  ['status'],
  ['status', '--json'],
  ['logs', 'web'],
  ['describe', 'web'],
  ['stop', 'web'],
  ['start', 'web'],
  ['delete', 'web'],
];

async function assertRefused(cli: Cli, folder: string, why: RegExp): Promise<void> {
  const before = lstatSync(folder);
  for (const args of commands) {
    const { code, stderr, stdout } = await cli.run(args, { env: { TUTTI_HOME: folder } });
    assert.equal(code, 77, `${args}: ${stdout}${stderr}`);
    assert.match(stderr, /Cannot use the state folder/);
    assert.match(stderr, why);
  }
  const doctor = await cli.run(['doctor'], { env: { TUTTI_HOME: folder } });
  assert.equal(doctor.code, 2);
  assert.match(doctor.stdout, why);
  const after = lstatSync(folder);
  assert.deepEqual([after.mode, after.uid], [before.mode, before.uid]);
}

test('a folder of another user, or one that others may write to, is refused and stays as it is', { skip }, async () => {
  await using cli = await openCli();
  const foreign = join(cli.dir, 'foreign');
  mkdirSync(foreign, { mode: 0o700 });
  chownSync(foreign, mallory, mallory);
  await assertRefused(cli, foreign, /belongs to user 65534, and this is user 0/);
  const sticky = join(cli.dir, 'tmp');
  mkdirSync(sticky);
  chmodSync(sticky, 0o1777);
  await assertRefused(cli, sticky, /everybody may write to it \(mode 1777\)/);
  assert.deepEqual(readdirSync(sticky), []);
  const link = join(cli.dir, 'link');
  symlinkSync(cli.home, link);
  spawnSync('chown', ['-h', String(mallory), link]);
  await assertRefused(cli, link, /a link of user 65534/);
  for (const path of [`${link}/`, `${link}/.`, join(link, 'sub')]) {
    const { code, stderr } = await cli.run(['status'], { env: { TUTTI_HOME: path } });
    assert.equal(code, 77, `${path}: ${stderr}`);
  }
  const own = join(cli.dir, 'own-link');
  symlinkSync(cli.home, own);
  assert.equal((await cli.run(['status'], { env: { TUTTI_HOME: `${own}/` } })).code, 5);
});

test('so is one of whose folders somebody else has one', { skip }, async () => {
  await using cli = await openCli();
  for (const name of ['apps', 'logs', 'run', 'incidents', 'inspections', 'compiled', 'workers']) {
    const home = join(cli.dir, name);
    mkdirSync(join(home, name), { recursive: true, mode: 0o700 });
    chownSync(join(home, name), mallory, mallory);
    const { code, stderr } = await cli.run(['start', cli.fixture('hello.cjs')], { env: { TUTTI_HOME: home } });
    assert.equal(code, 77, stderr);
    assert.match(stderr, new RegExp(`its folder "${name}": it belongs to user 65534`));
  }
  const linked = join(cli.dir, 'linked');
  mkdirSync(linked, { mode: 0o700 });
  symlinkSync(cli.dir, join(linked, 'logs'));
  const { code, stderr } = await cli.run(['status'], { env: { TUTTI_HOME: linked } });
  assert.equal(code, 77, stderr);
  assert.match(stderr, /"logs": it is a symbolic link/);
});

test('a user who may not look into it is told so, not that nothing runs', { skip }, () => {
  const run = (env: Record<string, string>) =>
    spawnSync('setpriv', ['--reuid', String(mallory), '--clear-groups', nodePath, binPath, 'status'], {
      env: { PATH: process.env.PATH, ...env },
      cwd: '/',
      encoding: 'utf8',
    });
  const { status, stderr } = run({ TUTTI_HOME: '/root/tutti' });
  assert.equal(status, 77, stderr);
  assert.match(stderr, /this user cannot look at it \(EACCES\)/);
});

test('a folder in it that may not be read hides no app that runs', { skip }, async () => {
  await using cli = await openCli();
  // Root may read everything.
  const tutti = (...args: string[]) => {
    const as = ['--reuid', String(mallory), '--regid', String(mallory), '--clear-groups', nodePath, binPath];
    return spawnSync('setpriv', [...as, ...args], { env: cli.environment(), cwd: '/', encoding: 'utf8' });
  };
  for (const folder of [cli.home, join(cli.home, '..'), cli.dir]) chownSync(folder, mallory, mallory);
  const few = [['status'], ['doctor'], ['stop', 'web']];
  const cases: [string, number, string[][]][] = [
    ['run', 0o000, [...commands, ['doctor'], ['reload', 'web'], ['restart', 'web'], ['start', '/no/matter.js']]],
    // The names can be read here, but nothing of what they stand for.
    ['apps', 0o600, few],
    ['workers', 0o300, few],
  ];
  for (const [name, mode, all] of cases) {
    const folder = join(cli.home, name);
    mkdirSync(folder);
    chownSync(folder, mallory, mallory);
    chmodSync(folder, mode);
    for (const args of all) {
      const { status, stdout, stderr } = tutti(...args);
      const said = `tutti ${args.join(' ')}: ${stdout}${stderr}`;
      assert.equal(status, args[0] === 'doctor' ? 2 : 77, said);
      assert.match(said, new RegExp(`${name}.{0,3}: this user cannot look into it \\(EACCES\\)`));
      assert.doesNotMatch(said, /Nothing is running|has a bug/);
    }
    chmodSync(folder, 0o700);
  }
});

test("a record of another user is never started, and nothing is written through another's link", { skip }, async () => {
  await using cli = await openCli();
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1']);
  await cli.ok(['stop', 'web']);
  const record = join(cli.home, 'apps', 'web.json');
  chownSync(record, mallory, mallory);
  const started = await cli.run(['start', 'web']);
  assert.equal(started.code, 78, started.stderr);
  chownSync(record, 0, 0);
  const victim = cli.write('victim', 'mine\n');
  for (const name of ['web.err.log', 'web.out.log', 'web.log']) {
    const log = join(cli.home, 'logs', name);
    spawnSync('rm', [log]);
    symlinkSync(victim, log);
    const { code, stderr } = await cli.run(['start', 'web']);
    assert.equal(code, 77, stderr);
    spawnSync('rm', [log]);
  }
  assert.equal(readFileSync(victim, 'utf8'), 'mine\n');
});

test('folders of the user stay as they are; those that tutti makes are for nobody else, whatever the umask', async () => {
  await using cli = await openCli();
  const home = join(cli.dir, 'own');
  mkdirSync(join(home, 'run'), { recursive: true });
  chmodSync(home, 0o755);
  chmodSync(join(home, 'run'), 0o755);
  const fresh = join(cli.dir, 'deep', 'er');
  for (const folder of [home, fresh]) {
    const open = `umask 0; exec "$0" "$@"`;
    const args = ['-c', open, nodePath, binPath];
    const env = cli.environment({ TUTTI_HOME: folder });
    const run = (...more: string[]) => spawnSync('sh', [...args, ...more], { env, cwd: cli.dir, encoding: 'utf8' });
    const log = join(folder, 'made', 'web.log');
    const started = run('start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', '--log-file', log);
    try {
      assert.equal(started.status, 0, started.stderr);
    } finally {
      run('stop', '--fast', 'web');
    }
    for (const name of ['apps', 'logs']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o700, name);
    for (const name of ['web.err.log', 'web.out.log']) {
      assert.equal(statSync(join(folder, 'logs', name)).mode & 0o777, 0o600, name);
    }
    assert.equal(statSync(join(folder, 'made')).mode & 0o777, 0o750);
    assert.equal(statSync(log).mode & 0o777, 0o640);
  }
  assert.equal(statSync(home).mode & 0o777, 0o755);
  assert.equal(statSync(join(home, 'run')).mode & 0o777, 0o755);
  assert.equal(statSync(join(cli.dir, 'deep')).mode & 0o777, 0o700);
});

test('where no folder can be made the reason is told, also under /proc', async () => {
  await using cli = await openCli();
  for (const folder of ['/proc/tutti/x', '/sys/tutti/x', '/dev/null/x']) {
    const where = { env: { TUTTI_HOME: folder } };
    const started = await cli.run(['start', cli.fixture('hello.cjs')], where);
    assert.equal(started.code, 77, `${folder}: ${started.stderr}`);
    assert.match(started.stderr, /cannot be made|Cannot use the state folder/);
    assert.ok(!existsSync(folder));
  }
});
