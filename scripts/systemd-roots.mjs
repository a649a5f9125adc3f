// The root file systems of the machines that test/systemd boots, one for each Debian: bookworm has systemd 252, trixie 257 (TUTTI_TEST_DEBIAN names others). Kept as archives in
// .cache/systemd; the first time takes about 30 s and 250 MB each. Never fails: the tests look for what they need and skip without it.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeRoot, succeeds } from './debian.mjs';

const suites = (process.env.TUTTI_TEST_DEBIAN ?? 'bookworm trixie').split(' ');
const folder = join('.cache', 'systemd');
// The last two are for services of one user.
const packages = ['systemd', 'systemd-sysv', 'dbus', 'procps', 'iproute2', 'libpam-systemd', 'dbus-user-session'];
const tools = { mmdebstrap: 'mmdebstrap', 'systemd-nspawn': 'systemd-container', nsenter: 'util-linux' };

const missing = () => Object.keys(tools).filter((tool) => !succeeds('which', [tool]));
const isRoot = process.getuid?.() === 0;
if (isRoot && missing().length > 0 && succeeds('which', ['apt-get'])) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  succeeds('apt-get', ['update', '-qq'], { env });
  for (const tool of missing())
    succeeds('apt-get', ['install', '-y', '-qq', '--no-install-recommends', tools[tool]], { env });
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
  if (!existsSync(archive)) makeRoot(suite, archive, packages);
}
