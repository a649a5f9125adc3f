// Other versions of Node for tests: from the npm packages node-<platform>-<arch>, into .cache/nodes.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** The path of a node of that major version: the running one if it is, else one that is installed now if it is not yet there. */
export function nodeBinary(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const cache = join('.cache', 'nodes');
  const node = join(cache, 'node_modules', `node-${major}`, 'bin', 'node');
  if (!existsSync(node)) {
    mkdirSync(cache, { recursive: true });
    const spec = `node-${major}@npm:node-${process.platform}-${process.arch}@${major}`;
    const npm = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', cache, spec];
    execFileSync('npm', npm, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return join(process.cwd(), node);
}
