// A place of its own for what a test starts – a folder to work in, a home, a folder for temporary files, and an environment that marks
// every process below – and the proof at its end that nothing is left of it.
//
//   await using sandbox = new Sandbox();
//   spawn(nodePath, [binPath, 'run', fixture('hello.cjs')], { cwd: sandbox.dir, env: sandbox.environment() });

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { MARK_VARIABLE, markedProcesses, type ProcessInfo } from './processes.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const binPath = join(root, 'dist/bin.js');
/** The Node that runs tutti and its workers; the matrix sets another than the one that runs the tests. */
export const nodePath = process.env.TUTTI_TEST_NODE ?? process.execPath;

/** The path of a file in test/fixtures; absolute paths stay. */
export function fixture(name: string): string {
  return resolve(root, 'test/fixtures', name);
}

/** What would reach the program besides what its test says. */
const FOREIGN = /^(TUTTI_|NODE_|npm_|FORCE_COLOR|XDG_|PWD$)/;

/**
 * Logs, evidence, what was saved for the next boot, compiled code, what TypeScript loaders keep, and the token, so that who was given it
 * needs no other after a restart. Sockets and records are not.
 */
const MEANT_TO_STAY =
  /^home\/((logs|incidents|compiled|boot)\/|run\/[\w.-]+\.token$)|^tmp\/(node-compile-cache|tsx-\d+|jiti)(\/|$)/;

export class Sandbox implements AsyncDisposable {
  readonly base: string;
  /** The test's own; removed at the end. */
  readonly dir: string;
  readonly home: string;
  readonly tmp: string;

  constructor() {
    assert.ok(existsSync(binPath), 'dist/ is not built: npm run build');
    // The temp folder is a link on some systems. Paths of sockets must be short.
    this.base = realpathSync(mkdtempSync(join(tmpdir(), 'rig-')));
    this.dir = join(this.base, 'work');
    this.home = join(this.base, 'home');
    this.tmp = join(this.base, 'tmp');
    for (const folder of [this.dir, this.home, this.tmp]) mkdirSync(folder, { mode: 0o700 });
  }

  environment(more: Record<string, string> = {}): Record<string, string> {
    const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
    // Whoever runs the tests.
    const own = { TUTTI_ALLOW_ROOT: 'true', TMPDIR: this.tmp, TUTTI_HOME: this.home, [MARK_VARIABLE]: this.base };
    return { ...(Object.fromEntries(inherited) as Record<string, string>), ...own, ...more };
  }

  /** A file in the test's own folder; answers its path. */
  write(name: string, text: string): string {
    const path = join(this.dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Every living process that was started with this environment. */
  processes(): ProcessInfo[] {
    return markedProcesses(this.base);
  }

  /** What is in its folders, but for what is meant to stay, and the folders in which tutti keeps its own. */
  files(): string[] {
    return readdirSync(this.base, { recursive: true, withFileTypes: true })
      .map((entry) => ({
        path: relative(this.base, join(entry.parentPath, entry.name)),
        isFolder: entry.isDirectory(),
      }))
      .filter(
        ({ path, isFolder }) => path.includes('/') && !MEANT_TO_STAY.test(path) && !(isFolder && /^home\//.test(path)),
      )
      .map(({ path }) => path);
  }

  /** Waits until every process has left, and kills those that stay; removes the folders. Answers what was left of both. */
  async close(): Promise<string[]> {
    // Orphans drain before they leave.
    const left = await eventually('no process left', () => this.processes().length === 0).then(
      (): string[] => [],
      () => this.processes().map(({ pid, state, command }) => `a process is left: ${pid} ${state} ${command}`),
    );
    left.push(
      ...this.files()
        .filter((path) => !path.startsWith('work/'))
        .map((path) => `left behind: ${path}`),
    );
    this.remove();
    return left;
  }

  remove(): void {
    for (const { pid } of this.processes()) process.kill(pid, 'SIGKILL');
    rmSync(this.base, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    assert.deepEqual(await this.close(), []);
  }
}

/** What the process has written so far. */
export function outputOf({ stdout, stderr }: ChildProcess): { stdout: string; stderr: string } {
  const said = { stdout: '', stderr: '' };
  stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  return said;
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The end of a process, and all that it has written. */
export function finished(child: ChildProcess, said = outputOf(child)): Promise<Finished> {
  return new Promise((done) => {
    child.once('close', (code, signal) => done({ code, signal, ...said }));
  });
}
