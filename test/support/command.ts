// Runs one tutti command to its end, in a folder of its own, and tells what it printed and what it left behind.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, within } from './eventually.ts';
import { binPath, type Finished, finished, nodePath, Sandbox } from './sandbox.ts';

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

export interface CommandResult extends Finished {
  /** Commands of processes that live on, and files that are new. */
  left: string[];
  /** The folder it ran in; gone by now. */
  dir: string;
}

export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const sandbox = new Sandbox();
  const { base, dir, home, tmp } = sandbox;
  try {
    for (const [path, content] of Object.entries(options.files ?? {})) {
      if (path.endsWith('/')) mkdirSync(join(dir, path), { recursive: true });
      else sandbox.write(path, content);
    }
    for (const [path, mode] of Object.entries(options.modes ?? {})) chmodSync(join(dir, path), mode);
    for (const folder of [base, dir]) chmodSync(folder, 0o755);
    chmodSync(tmp, 0o1777);
    if (options.uid !== undefined) chownSync(home, options.uid, options.uid);
    const before = sandbox.files();
    const command = spawn(nodePath, [binPath, ...args], {
      cwd: dir,
      env: sandbox.environment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    const end = await within(`tutti ${args.join(' ')} to end`, finished(command), options.deadlineMs ?? 60_000);
    const living = (): string[] => sandbox.processes().map((info) => info.command);
    // It leaves when it sees that its primary has: on a busy machine, a moment after it.
    await eventually('the guardian to leave', () => !living().some((command) => command.endsWith('tutti-guardian')));
    return { ...end, left: [...living(), ...sandbox.files().filter((path) => !before.includes(path))], dir };
  } finally {
    sandbox.remove();
  }
}
