// What the folder of an image's build says of the packages that are installed in it: package.json and the lock files beside it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Package } from '../../deploy/container/dockerfile.ts';
import { messageOf, TuttiError } from '../../errors.ts';
import { version } from '../../version.ts';

/** The first version line that runs TypeScript by itself and is still kept up. */
const TYPESCRIPT_MAJOR = 24;

/** In the order in which they are looked for. */
const locks = [
  { file: 'pnpm-lock.yaml', manager: 'pnpm' },
  { file: 'yarn.lock', manager: 'yarn' },
  { file: 'npm-shrinkwrap.json', manager: 'npm' },
  { file: 'package-lock.json', manager: 'npm' },
] as const;
const settings = ['.npmrc', '.yarnrc.yml', '.yarnrc', 'pnpm-workspace.yaml'];

type Fields = Readonly<Record<string, unknown>>;

export interface PackageFacts {
  packages: Package;
  /** Of the application. */
  version: string | null;
}

/** Throws a TuttiError where package.json is there and cannot be read. */
export function packageFacts(folder: string, entry: string): PackageFacts {
  const has = (file: string): boolean => existsSync(join(folder, file));
  const manifest = has('package.json') ? readManifest(join(folder, 'package.json')) : null;
  const lock = locks.find(({ file }) => has(file));
  const isBerry = lock?.manager === 'yarn' && has('.yarnrc.yml');
  const manager = isBerry ? 'yarn-berry' : (lock?.manager ?? 'npm');
  const password = hasPassword(folder);
  const dependencies = fieldsOf(manifest?.dependencies);
  const others = { ...fieldsOf(manifest?.optionalDependencies), ...fieldsOf(manifest?.devDependencies) };
  const sources = [...Object.values(dependencies), ...Object.values(others)];
  return {
    version: typeof manifest?.version === 'string' ? manifest.version : null,
    packages: {
      nodeMajor: nodeMajor(entry),
      manager: manifest === null ? null : manager,
      manifests: [
        'package.json',
        ...(lock === undefined ? [] : [lock.file]),
        ...settings.filter((file) => has(file) && !(file === '.npmrc' && password)),
      ],
      hasLock: lock !== undefined,
      needsSources:
        manifest?.workspaces !== undefined ||
        has('pnpm-workspace.yaml') ||
        sources.some((source) => /^(file|link|portal|workspace):/.test(String(source))),
      hasBuild: typeof fieldsOf(manifest?.scripts).build === 'string',
      hasPassword: password,
      hasTutti: Object.hasOwn(dependencies, 'tutti'),
      tuttiVersion: version,
    },
  };
}

function readManifest(path: string): Fields {
  try {
    return fieldsOf(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new TuttiError('ERR_CONFIG_FAILED', { path, reason: messageOf(error) }, { cause: error });
  }
}

/** What is no object has none. */
function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** One that stands there itself; `${NPM_TOKEN}` is none. */
function hasPassword(folder: string): boolean {
  try {
    return /_(auth|authToken|password)\s*=\s*(?!\s*\$\{)\S/.test(readFileSync(join(folder, '.npmrc'), 'utf8'));
  } catch {
    // Not there.
    return false;
  }
}

/** That of this Node.js, with which the app was tried. */
function nodeMajor(entry: string): number {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const runsTypescript = major > 22 || (major === 22 && minor >= 18);
  return /\.[cm]?ts$/.test(entry) && !runsTypescript ? TYPESCRIPT_MAJOR : major;
}
