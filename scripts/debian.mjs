// What scripts need of Debian: the mirror of this machine, and a root file system made of its packages.
import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';

/** Makes the archive of a root file system, with these packages besides the least. Says where it could not be made. */
export function makeRoot(suite, archive, packages = []) {
  console.log(`Making a root file system of ${suite} …`);
  const part = `${archive}.part`;
  const site = mirror();
  const { status, stderr } = spawnSync(
    'nice',
    [
      ...['-n', '10', 'mmdebstrap', '--variant=minbase', '--format=tar'],
      // A mirror that lags behind is as good.
      '--aptopt=Acquire::Check-Valid-Until "false"',
      ...(packages.length === 0 ? [] : [`--include=${packages}`]),
      ...[suite, part],
      // Without one, mmdebstrap knows where Debian's are.
      ...(site === undefined ? [] : [site]),
    ],
    { encoding: 'utf8' },
  );
  if (status === 0) renameSync(part, archive);
  else console.log(`Left out, because ${suite} could not be made: ${stderr.trim().split('\n').at(-1)}`);
}

/** Where this machine gets its own packages from, if it is a mirror of Debian. */
export function mirror() {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(SITE)'], { encoding: 'utf8' });
  return stdout?.split('\n').find((site) => /\/debian\/?$/.test(site));
}

export function succeeds(command, args, options = {}) {
  return spawnSync(command, args, { stdio: 'ignore', ...options }).status === 0;
}
