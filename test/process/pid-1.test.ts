// As process 1 of a container: real namespaces, a root file system that takes nothing, a user that nobody knows, no home.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openCli, type Running } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';

const namespaces = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--propagation', 'private'];
const canUnshare = spawnSync('unshare', [...namespaces.slice(1), 'true']).status === 0;
const skip = canUnshare ? false : 'no namespaces of processes and mounts can be made here';

/** The pid of process 1, as it is seen from here. */
function init({ process: { pid } }: Running): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

const nowhere = `
mount -t proc proc /proc
for place in /tmp /dev/shm /; do mount --bind "$place" "$place" 2>/dev/null; mount -o remount,ro,bind "$place" || exit 99; done
unset TUTTI_HOME XDG_RUNTIME_DIR
HOME=/nonexistent exec setpriv --reuid 54321 --regid 54321 --clear-groups --no-new-privs "$@"`;

test('nothing to write to, an unknown user: it serves, says what is missing, and ends with 0 at SIGTERM', {
  skip,
}, async () => {
  await using cli = await openCli();
  cli.prefix = [...namespaces, '--', 'sh', '-c', nowhere, 'sh'];
  const app = cli.begin(['run', cli.fixture('leaves-zombies.cjs'), '-i', '2', '--name', 'web'], { cwd: '/' });
  let said = '';
  app.process.stderr?.on('data', (text: string) => {
    said += text;
  });
  const { body } = await eventually('it to serve', () => fetch({ port: cli.port }).catch(() => null));
  assert.match(body, /^\d{1,2} 54321$/);
  await eventually('the word of zombies', () => said.includes('Start the container with an init'));
  process.kill(init(app), 'SIGTERM');
  const { code, stderr } = await app.finished;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /web: 2 workers, primary 1,/);
  assert.match(stderr, /runs without a control socket, because it cannot be made: EROFS/);
  assert.equal(stderr.match(/Start the container with an init/g)?.length, 1);
});

test('the exit code of an app that cannot start is that of the container', { skip }, async () => {
  await using cli = await openCli();
  cli.prefix = [...namespaces, '--mount-proc', '--'];
  const { code } = await cli.run(['run', cli.fixture('throws-on-boot.cjs'), '-i', '1']);
  assert.equal(code, 3);
});
