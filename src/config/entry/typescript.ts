// Decides how a TypeScript entry runs: by Node itself where it can, else by the loader that the project has installed. tutti brings
// no compiler of its own.

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { TuttiError } from '../../errors.ts';

const strippable = ['.ts', '.mts', '.cts'];
const needsLoader = ['.tsx', '.jsx'];

/** Arguments of node by which the operator brings a loader or switches type stripping on; then tutti adds nothing. */
const ownLoader =
  /(^|\s)(--import|--require|-r|--loader|--experimental-loader|--experimental-(strip|transform)-types)\b/;

export interface NodeBinary {
  path: string;
  version: string;
  runsTypeScript: boolean;
}

/** The arguments to add to node so that it runs `entry` (a real path); none for JavaScript. */
export async function typescriptArgs(
  entry: string,
  nodeArgs: readonly string[],
  nodeOptions: string | undefined,
  node: string,
): Promise<string[]> {
  const kind = extname(entry);
  if (!strippable.includes(kind) && !needsLoader.includes(kind)) return [];
  if (ownLoader.test(nodeArgs.join(' ')) || ownLoader.test(nodeOptions ?? '')) return [];
  const { version, runsTypeScript } = await describeNode(node);
  if (runsTypeScript && strippable.includes(kind)) return [];
  const folder = dirname(entry);
  const loader = projectLoader(folder);
  if (loader === null) throw new TuttiError('ERR_TYPESCRIPT_LOADER', { entry, node: version, folder });
  return loader;
}

function projectLoader(folder: string): string[] | null {
  const { resolve } = createRequire(pathToFileURL(`${folder}/`));
  for (const name of ['tsx', '@swc-node/register/esm-register']) {
    try {
      return ['--import', pathToFileURL(resolve(name)).href];
    } catch {
      // Not installed in this project: try the next.
    }
  }
  return null;
}

/** Asks the binary itself, unless it is the one that runs this. */
export async function describeNode(path: string): Promise<NodeBinary> {
  if (path === process.execPath) {
    return { path, version: process.versions.node, runsTypeScript: Boolean(process.features.typescript) };
  }
  const program = 'console.log(JSON.stringify([process.versions.node, Boolean(process.features.typescript)]))';
  const { stdout } = await promisify(execFile)(path, ['-e', program], { timeout: 10_000 });
  const [version, runsTypeScript] = JSON.parse(stdout) as [string, boolean];
  return { path, version, runsTypeScript };
}
