// Releases as folders behind a symlink, as deploy tools lay them out: <folder>/releases/<n>/server.cjs and
// <folder>/current -> releases/<n>. Each release is one of the fixtures with its own version in it.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './rig.ts';

export class Releases implements Disposable {
  readonly folder: string;
  /** What tutti is started with. */
  readonly entry: string;

  constructor() {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'rel-')));
    this.entry = join(this.folder, 'current/server.cjs');
    mkdirSync(join(this.folder, 'releases'));
  }

  /** Writes release `version`, whose server.cjs is `fixture`; what it requires by relative path comes along. */
  write(version: string, fixture: string): this {
    const folder = join(this.folder, 'releases', version);
    mkdirSync(folder, { recursive: true });
    for (const [from, to] of [
      ['hello.cjs', 'hello.cjs'],
      [fixture, 'server.cjs'],
    ] as const) {
      const source = readFileSync(join(root, 'test/fixtures', from), 'utf8');
      writeFileSync(join(folder, to), source.replace("VERSION = '1'", `VERSION = '${version}'`));
    }
    return this;
  }

  /** Points `current` at a release, in one step as `ln -sfn` with a rename does. */
  point(version: string): this {
    const link = join(this.folder, 'next');
    symlinkSync(join('releases', version), link);
    renameSync(link, join(this.folder, 'current'));
    return this;
  }

  /** Deploys in one go: write, then point. */
  deploy(version: string, fixture = 'hello.cjs'): this {
    return this.write(version, fixture).point(version);
  }

  remove(version: string): void {
    rmSync(join(this.folder, 'releases', version), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
