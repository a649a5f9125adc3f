// The root file systems of the machines that test/systemd boots, one for each Debian: bookworm has systemd 252, trixie 257 (TUTTI_TEST_DEBIAN names others). Kept as archives in
// .cache/systemd; the first time takes about 30 s and 250 MB each. Never fails: the tests look for what they need and skip without it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

const suites = (process.env.TUTTI_TEST_DEBIAN ?? 'bookworm trixie').split(' ');
const folder = join('.cache', 'systemd');
// The last two are for services of one user.
const packages = 'systemd,systemd-sysv,dbus,procps,iproute2,libpam-systemd,dbus-user-session';
const tools = { mmdebstrap: 'mmdebstrap', 'systemd-nspawn': 'systemd-container', nsenter: 'util-linux' };

const missing = () => Object.keys(tools).filter((tool) => !succeeds('which', [tool]));
const isRoot = process.getuid?.() === 0;
if (isRoot && missing().length > 0 && succeeds('which', ['apt-get'])) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  succeeds('apt-get', ['update', '-qq'], env);
  for (const tool of missing())
    succeeds('apt-get', ['install', '-y', '-qq', '--no-install-recommends', tools[tool]], env);
}
if (!isRoot || missing().length > 0) {
  console.log(
    `Left out, because ${isRoot ? `${missing().join(' and ')} cannot be installed` : 'this is not root'}: test/systemd.`,
  );
  process.exit(0);
}
mkdirSync(folder, { recursive: true });
for (const suite of suites) {
  const archive = join(folder, `${suite}.tar`);
  if (existsSync(archive)) continue;
  console.log(`Making a root file system of ${suite} …`);
  const part = `${archive}.part`;
  // A mirror that lags behind is as good.
  const late = '--aptopt=Acquire::Check-Valid-Until "false"';
  const asked = [
    '-n',
    '10',
    'mmdebstrap',
    late,
    '--variant=minbase',
    '--format=tar',
    `--include=${packages}`,
    suite,
    part,
  ];
  const { status, stderr } = spawnSync('nice', [...asked, ...mirror()], { encoding: 'utf8' });
  if (status === 0) renameSync(part, archive);
  else console.log(`Left out, because ${suite} could not be made: ${stderr.trim().split('\n').at(-1)}`);
}

/** Where this machine gets its own packages from. Nothing: mmdebstrap knows where Debian's are. */
function mirror() {
  const { stdout = '' } = spawnSync('apt-get', ['indextargets', '--format', '$(SITE)'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((site) => /\/debian\/?$/.test(site))
    .slice(0, 1);
}

function succeeds(command, args, env = process.env) {
  return spawnSync(command, args, { stdio: 'ignore', env }).status === 0;
}
