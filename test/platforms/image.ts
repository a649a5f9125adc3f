// What the tests of all engines begin with: the unpacked programs, the image of Node.js, and a project as a user has it, with the packed tutti among its packages.
// Nothing comes from the network: every package is a file of the project.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binPath, nodePath, root } from '../support/rig.ts';

type Engine = 'docker' | 'podman';

export const engines = join(root, '.cache/engines');

/** Why no engine can be had here, or false. */
export function whyNot(engine: Engine, program: string): string | false {
  if (process.getuid?.() !== 0) return 'this is not root';
  const needed = [join(engines, engine, program), join(engines, 'root.tar')];
  const missing = needed.find((path) => !existsSync(path));
  return missing === undefined ? false : `${missing} is not there (npm run test:${engine} fetches it)`;
}

/** With these variables the programs of an engine find one another. In `base`/bin are those that go by other names. */
export function engineEnvironment(engine: Engine, base: string): Record<string, string> {
  const usr = (path: string): string => join(engines, engine, 'usr', path);
  const bin = join(base, 'bin');
  mkdirSync(bin);
  for (const name of ['iptables', 'ip6tables', 'iptables-save', 'iptables-restore'])
    symlinkSync(usr('sbin/xtables-nft-multi'), join(bin, name));
  return {
    PATH: [bin, usr('bin'), usr('sbin'), process.env.PATH].join(':'),
    HOME: base,
    LD_LIBRARY_PATH: usr('lib/x86_64-linux-gnu'),
    XTABLES_LIBDIR: usr('lib/x86_64-linux-gnu/xtables'),
  };
}

/** Makes an image of Debian, Node.js and npm. */
export function importNode(engine: Engine, image: string, base: string, env: NodeJS.ProcessEnv): void {
  const folder = join(base, 'root');
  makeNodeRoot(folder);
  execFileSync('bash', ['-c', `tar -C "${folder}" -c . | ${engine} import - ${image}`], { env, stdio: 'pipe' });
  rmSync(folder, { recursive: true });
}

/** Puts Debian, Node.js and npm into `folder`, as the official images have them. */
function makeNodeRoot(folder: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', [
    '-C',
    folder,
    '--exclude=./usr/share/doc',
    '--exclude=./usr/share/locale',
    '--exclude=./var/lib/apt',
    '--exclude=./var/cache',
    '-xf',
    join(engines, 'root.tar'),
  ]);
  cpSync(realpathSync(nodePath), join(folder, 'usr/bin/node'));
  const npm = realpathSync(execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim());
  cpSync(join(npm, 'npm'), join(folder, 'usr/lib/node_modules/npm'), { recursive: true });
  execFileSync('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/bin/npm')]);
}

/** The server of these tests: /slow answers after a second, /eat is killed for its memory, / says who answered. */
const server = `
const { getHeapStatistics } = require('node:v8');
require('node:http').createServer((request, response) => {
  if (request.url === '/slow') return setTimeout(() => response.end('slow'), 1000);
  if (request.url === '/eat') {
    const eaten = [];
    return setInterval(() => eaten.push(Buffer.alloc(16e6, 1)), 5);
  }
  const heapMiB = getHeapStatistics().heap_size_limit / 2 ** 20;
  response.end(JSON.stringify({ pid: process.pid, uid: process.getuid(), version: process.env.VERSION, heapMiB }));
}).listen(process.env.PORT);
`;

export function makeProject(folder: string): void {
  const vendor = join(folder, 'vendor');
  mkdirSync(vendor, { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pack = (from: string): string => {
    const args = ['pack', from, '--ignore-scripts', '--json', '--pack-destination', vendor];
    const [{ filename }] = JSON.parse(
      execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    return `file:vendor/${filename}`;
  };
  const packed = [
    ['tutti', pack('.')],
    ...Object.keys(dependencies).map((name) => [name, pack(`./node_modules/${name}`)]),
  ];
  const manifest = { name: 'web', version: '1.0.0', dependencies: Object.fromEntries(packed) };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'server.cjs'), server);
  execFileSync('npm', ['install', '--package-lock-only', '--offline', '--ignore-scripts'], {
    cwd: folder,
    stdio: 'ignore',
  });
}

/** What `tutti export` prints in the project. */
export function exportIn(folder: string, args: readonly string[]): string {
  return execFileSync(nodePath, [binPath, 'export', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
}
