// Promise: without systemd, cron brings an app up with the machine as it was installed; taken out again, nothing is left of it. The `crontab`
// here keeps its text in a file, and what cron would do at a boot is done by hand: run the line by sh, with nothing of an environment.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openCli } from '../support/cli.ts';
import { fetch } from '../support/fetch.ts';
import { MARK_VARIABLE } from '../support/processes.ts';

const CRONTAB = `#!/bin/sh
case "$1" in
  -l) [ -e "$CRONTAB_FILE" ] || { echo "no crontab for me" >&2; exit 1; }; cat "$CRONTAB_FILE" ;;
  -) cat > "$CRONTAB_FILE" ;;
  -r) rm "$CRONTAB_FILE" ;;
esac
`;
const skip = existsSync('/run/systemd/system') ? 'systemd is there, and used' : false;

test('install, a boot, remove: the app serves again by itself, and the crontab is as it was', { skip }, async () => {
  await using cli = await openCli();
  const bin = join(cli.dir, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'crontab'), CRONTAB);
  chmodSync(join(bin, 'crontab'), 0o755);
  const file = join(cli.dir, 'crontab.txt');
  const before = '# mine\n5 5 * * * true\n';
  writeFileSync(file, before);
  const where = { env: { PATH: `${bin}:${process.env.PATH}`, CRONTAB_FILE: file } };
  const program = cli.write(
    'server.cjs',
    `require('node:http').createServer((_, to) => to.end(process.env.SECRET)).listen(${cli.port})`,
  );
  // A folder of that name, as there is one of "boot" or "srv" where cron begins, is no program.
  const install = [
    'service',
    'install',
    program,
    '--user',
    '-n',
    'tmp',
    '-i',
    '1',
    '--config',
    'none',
    '--env',
    'SECRET=hunter2',
  ];
  const installed = await cli.ok(install, where);
  await cli.ok(install, where);
  assert.doesNotMatch(installed.stdout + readFileSync(file, 'utf8'), /hunter2/);
  assert.equal(
    JSON.parse((await cli.ok(['service', 'status', 'tmp', '--user', '--json'], where)).stdout).state,
    'installed',
  );
  await cli.ok(['stop', 'tmp'], where);
  const lines = readFileSync(file, 'utf8').split('\n');
  const [line = ''] = lines.filter((one) => one.startsWith('@reboot '));
  assert.equal(lines.length, 4, 'one line more than before');
  const env = { HOME: cli.dir, PATH: '/usr/bin:/bin', [MARK_VARIABLE]: cli.environment()[MARK_VARIABLE] };
  await promisify(execFile)('sh', ['-c', line.replace('@reboot ', '').replaceAll('\\%', '%')], { cwd: '/', env });
  assert.equal((await fetch({ port: cli.port })).body, 'hunter2');
  await cli.ok(['service', 'remove', 'tmp', '--user'], where);
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.equal((await cli.run(['status'])).code, 5);
});
