// Installs the peers and the drawing library into a cache folder. They are never dependencies of tutti.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const peersFolder = fileURLToPath(new URL('../.cache/peers', import.meta.url));

const packages = ['pm2@7', 'throng@5', 'wattpm@3', '@platformatic/node@3', 'echarts@5'];

/** Installs what is missing; needs the network only then. */
export function installPeers(): void {
  mkdirSync(peersFolder, { recursive: true });
  const stamp = join(peersFolder, 'installed.json');
  const wanted = JSON.stringify(packages);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log(`Installing ${packages.join(', ')} into .cache/peers …`);
  writeFileSync(join(peersFolder, 'package.json'), JSON.stringify({ name: 'peers', private: true }));
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...packages], {
    cwd: peersFolder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(stamp, wanted);
}

export function peerVersion(name: string): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(peersFolder, 'node_modules', name, 'package.json'), 'utf8'),
  );
  return manifest.version;
}
