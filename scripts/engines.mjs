// What test/platforms needs of Debian: `node scripts/engines.mjs docker|podman`. Packages are fetched and unpacked into .cache/engines/<engine>, nothing is
// installed; beside them lies the root file system that the image of Node.js is made of. Never fails: the tests look for what they need and skip without it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeRoot, mirror, succeeds } from './debian.mjs';

const shared = ['runc', 'iptables', 'libnftnl11', 'libip6tc2', 'libnfnetlink0', 'libnetfilter-conntrack3'];
const packages = {
  docker: ['docker.io', 'containerd', 'tini', ...shared],
  podman: [
    'podman',
    'conmon',
    'catatonit',
    'netavark',
    'libsubid4',
    'libgpgme11',
    'libassuan0',
    'golang-github-containers-common',
    'golang-github-containers-image',
    ...shared,
  ],
};
/** In a later Debian than docker.io; a program of its own that runs anywhere. */
const composeSuite = 'trixie';

const [engine = 'docker'] = process.argv.slice(2);
const base = resolve('.cache/engines');
const target = join(base, engine);
const isRoot = process.getuid?.() === 0;
const tools = { mmdebstrap: 'mmdebstrap', 'apt-get': 'apt', dpkg: 'dpkg', nsenter: 'util-linux', ip: 'iproute2' };
const missing = Object.keys(tools).filter((tool) => !succeeds('which', [tool]));
if (missing.includes('mmdebstrap') && isRoot)
  succeeds('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'mmdebstrap']);
if (!isRoot || Object.keys(tools).some((tool) => !succeeds('which', [tool]))) {
  console.log(
    `Left out, because ${isRoot ? `${missing.join(' and ')} is not there` : 'this is not root'}: test/platforms.`,
  );
  process.exit(0);
}
mkdirSync(base, { recursive: true });
if (!existsSync(target)) unpack();
if (engine === 'docker' && !existsSync(composePath())) fetchCompose();
if (!existsSync(join(base, 'root.tar'))) makeRoot('bookworm', join(base, 'root.tar'));

function unpack() {
  const part = `${target}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(join(part, 'deb'), { recursive: true });
  console.log(`Fetching ${engine} …`);
  const { status, stderr } = spawnSync('apt-get', ['download', '-qq', ...packages[engine]], {
    cwd: join(part, 'deb'),
    encoding: 'utf8',
  });
  if (status !== 0) return console.log(`Left out, because ${engine} could not be fetched: ${stderr.trim()}`);
  for (const file of readdirSync(join(part, 'deb'))) succeeds('dpkg', ['-x', join(part, 'deb', file), part]);
  rmSync(join(part, 'deb'), { recursive: true });
  renameSync(part, target);
}

function composePath() {
  return join(target, 'usr/libexec/docker/cli-plugins/docker-compose');
}

/** With lists of its own, so that the machine's sources stay as they are. */
function fetchCompose() {
  const site = mirror();
  if (site === undefined) {
    return console.log(
      'The tests of docker compose are left out: it is not known where this machine gets its packages from.',
    );
  }
  const lists = join(base, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'parts'])
    mkdirSync(join(lists, folder), { recursive: true });
  const source = `Types: deb\nURIs: ${site}\nSuites: ${composeSuite}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`;
  writeFileSync(join(lists, 'parts/compose.sources'), source);
  const places = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': join(lists, 'parts'),
    'Dir::State::Lists': join(lists, 'lists'),
    'Dir::Cache': join(lists, 'cache'),
    'Dir::State::status': join(lists, 'status'),
  };
  const where = Object.entries(places).map(([name, path]) => `-o${name}=${path}`);
  const fetched =
    succeeds('apt-get', [...where, '-qq', 'update']) &&
    succeeds('apt-get', [...where, '-qq', 'download', 'docker-compose'], { cwd: lists });
  for (const file of readdirSync(lists).filter((name) => name.endsWith('.deb')))
    succeeds('dpkg', ['-x', join(lists, file), target]);
  rmSync(lists, { recursive: true, force: true });
  if (!fetched) console.log('docker compose could not be fetched: its tests are left out.');
}
