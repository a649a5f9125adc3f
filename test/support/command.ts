// Runs one tutti command to its end, in a folder of its own, and tells what it printed and what it left behind.

import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from './eventually.ts';
import { MARK_VARIABLE, markedProcesses } from './processes.ts';

const binPath = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
const nodePath = process.env.TUTTI_TEST_NODE ?? process.execPath;

/** Whether the Node that runs the command runs TypeScript by itself. */
export const runsTypeScript =
  execFileSync(nodePath, ['-p', 'Boolean(process.features.typescript)'], { encoding: 'utf8' }).trim() === 'true';

export interface CommandOptions {
  /** Path in the folder → content. A path that ends with / is a folder. */
  files?: Record<string, string>;
  /** Path in the folder → mode. */
  modes?: Record<string, number>;
  env?: Record<string, string>;
  /** Run as another user; needs root. */
  uid?: number;
  deadlineMs?: number;
}

export interface CommandResult {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** Commands of processes that live on, and files that are new. */
  left: string[];
  /** The folder it ran in; gone by now. */
  dir: string;
}

export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  // Real path: on some systems the temp folder is behind a symbolic link.
  const base = mkdtempSync(join(tmpdir(), 'tutti-command-'));
  const dir = join(base, 'work');
  const mark = randomUUID();
  try {
    for (const folder of ['work', 'tmp', 'home']) mkdirSync(join(base, folder));
    for (const [path, content] of Object.entries(options.files ?? {})) {
      const full = join(dir, path);
      mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
      if (!path.endsWith('/')) writeFileSync(full, content);
    }
    for (const [path, mode] of Object.entries(options.modes ?? {})) chmodSync(join(dir, path), mode);
    chmodSync(base, 0o755);
    chmodSync(join(base, 'tmp'), 0o1777);
    chmodSync(join(base, 'home'), 0o700);
    if (options.uid !== undefined) chownSync(join(base, 'home'), options.uid, options.uid);
    const before = everythingIn(base);
    const env: Record<string, string> = {};
    for (const [name, value] of Object.entries(process.env)) {
      if (value !== undefined && !/^(TUTTI_|NODE_|npm_|FORCE_COLOR|PWD$)/.test(name)) env[name] = value;
    }
    // Whoever runs the tests.
    const own = {
      TUTTI_ALLOW_ROOT: 'true',
      TMPDIR: join(base, 'tmp'),
      TUTTI_HOME: join(base, 'home'),
      [MARK_VARIABLE]: mark,
    };
    const command = spawn(nodePath, [binPath, ...args], {
      cwd: dir,
      env: { ...env, ...own, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    let stdout = '';
    let stderr = '';
    command.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    command.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<{ code: number | null; signal: string | null }>((done) => {
      command.once('close', (code, signal) => done({ code, signal }));
    });
    const { code, signal } = await within(`tutti ${args.join(' ')} to end`, ended, options.deadlineMs ?? 60_000);
    const after = everythingIn(base).filter((path) => !before.includes(path) && !meantToStay.test(path));
    const living = markedProcesses(mark).map((info) => info.command);
    return { code, signal, stdout, stderr, left: [...living, ...after], dir };
  } finally {
    for (const { pid } of markedProcesses(mark)) process.kill(pid, 'SIGKILL');
    rmSync(base, { recursive: true, force: true });
  }
}

/** Evidence, the token that the operator's scripts may hold, caches of compiled code; sockets and records are not. */
const meantToStay = /^home\/(compiled(\/.*)?|incidents(\/.*)?|run|workers|run\/[^/]+\.token)$|^tmp\/node-compile-cache/;

function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}
