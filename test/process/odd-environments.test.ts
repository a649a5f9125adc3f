// Surroundings that few meet: a user without a home, a long temporary folder, hardly any descriptors, file systems that take nothing. Each
// is either served or told in words, with its remedy; none is called a bug of tutti.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { binPath, nodePath } from '../support/rig.ts';

const root = process.getuid?.() === 0 ? false : 'needs root';
const canUnshare = spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'needs a mount namespace';

test('a user without a home and without HOME is told what to set; what needs no home works', { skip: root }, () => {
  const run = (...args: string[]) =>
    spawnSync('setpriv', ['--reuid', '23456', '--clear-groups', nodePath, binPath, ...args], {
      env: { PATH: process.env.PATH },
      cwd: '/',
      encoding: 'utf8',
    });
  for (const args of [['status'], ['logs'], ['stop', 'web'], ['start', '/etc/hostname']]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 77, `${args}: ${stderr}`);
    assert.match(stderr, /user 23456 has no home, and neither TUTTI_HOME nor HOME says where one is/);
  }
  const doctor = run('doctor');
  assert.equal(doctor.status, 2, doctor.stderr);
  assert.match(doctor.stdout, /state folder .*user 23456 has no home/);
  assert.equal(run('completion', 'bash').status, 0);
});

test('tutti run serves where no state folder can be used, and says that no command will reach it', async () => {
  await using cli = await openCli();
  const open = join(cli.dir, 'open');
  mkdirSync(open);
  chmodSync(open, 0o1777);
  const args = ['run', cli.fixture('hello.cjs'), '-i', '1', '--log-file', join(cli.dir, 'web.log'), '--probe', '/'];
  const running = cli.begin(args, { env: { TUTTI_HOME: open } });
  let said = '';
  running.process.stderr?.on('data', (text: string) => {
    said += text;
  });
  await eventually('it serves and says so', () => said.includes('ready:') && said.includes('control socket'));
  assert.match(said, /runs without a control socket.*everybody may write to it/);
  running.process.kill('SIGTERM');
  assert.equal((await running.finished).code, 0);
  assert.deepEqual(readdirSync(open), []);
});

test('a temporary folder with a long path keeps neither the log process nor a probe from working', async () => {
  await using cli = await openCli();
  const long = join(cli.dir, 'x'.repeat(120));
  mkdirSync(long);
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', '--probe', '/'], { env: { TMPDIR: long } });
  assert.doesNotMatch(cli.logs(), /no log process|EADDRINUSE|failed/);
  await cli.ok(['stop', 'web']);
});

test('with hardly any descriptors a start says which limit to raise', async () => {
  await using cli = await openCli();
  for (const most of [20, 22, 24]) {
    const { status, stderr } = spawnSync(
      'sh',
      [
        '-c',
        `ulimit -n ${most}; exec "$0" "$@"`,
        nodePath,
        binPath,
        'start',
        cli.fixture('hello.cjs'),
        '-n',
        'web',
        '-i',
        '1',
      ],
      { env: cli.environment(), cwd: cli.dir, encoding: 'utf8' },
    );
    assert.notEqual(status, 0);
    assert.doesNotMatch(stderr, /bug|is not a function/, stderr);
    assert.match(stderr, /EMFILE|too many open files/, stderr);
  }
});

test('a read-only state folder is told as that, not as a folder that is missing', {
  skip: root || canUnshare,
}, async () => {
  await using cli = await openCli();
  const script = `mount -t tmpfs -o mode=700 none "$TUTTI_HOME" && mount -o remount,ro "$TUTTI_HOME" && exec "$0" "$@"`;
  const run = (home: string) =>
    spawnSync(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        script.replaceAll('"$TUTTI_HOME"', cli.home),
        nodePath,
        binPath,
        'start',
        cli.fixture('hello.cjs'),
      ],
      {
        env: cli.environment({ TUTTI_HOME: home }),
        cwd: cli.dir,
        encoding: 'utf8',
      },
    );
  for (const home of [cli.home, join(cli.home, 'a', 'b')]) {
    const { status, stderr } = run(home);
    assert.equal(status, 77, stderr);
    assert.match(stderr, /EROFS: read-only file system/);
    assert.match(stderr, /Set TUTTI_HOME/);
  }
});

test('when somebody has cleaned the temporary folder, the lines of new workers still go to the log file', async () => {
  await using cli = await openCli();
  const app = cli.write(
    'says.cjs',
    `console.log('booted', process.pid); require('http').createServer().listen(process.env.PORT);`,
  );
  await cli.ok(['start', app, '-n', 'web', '-i', '1']);
  const temporary = cli.environment().TMPDIR ?? '';
  for (const name of readdirSync(temporary)) rmSync(join(temporary, name), { recursive: true });
  await cli.ok(['reload', 'web']);
  const [worker] = (await cli.snapshot('web')).workers;
  await eventually('the line of the new worker', async () =>
    (await cli.ok(['logs', 'web'])).stdout.includes(`booted ${worker?.pid}`),
  );
  assert.doesNotMatch(cli.logs(), /no log process/);
});
