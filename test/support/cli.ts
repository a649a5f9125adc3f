// The command line as a user types it, with a home, a folder and a mark of its own; everything it put into the background is gone
// at the end.
//
//   await using cli = await openCli();
//   const { code, stdout } = await cli.run(['start', cli.fixture('hello.cjs'), '-n', 'web']);

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AdminClient } from '../../src/admin/client/client.ts';
import { controlPaths } from '../../src/files/state-folder.ts';
import type { Snapshot } from '../../src/supervisor/picture/snapshot.ts';
import { eventually, within } from './eventually.ts';
import { freePort } from './free-port.ts';
import { MARK_VARIABLE, markedProcesses } from './processes.ts';
import { binPath, nodePath, root } from './rig.ts';

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  process: ChildProcess;
  finished: Promise<Finished>;
  stdout: () => string;
}

interface Where {
  cwd?: string;
  env?: Record<string, string>;
}

export class Cli implements AsyncDisposable {
  /** Where commands are typed; removed at the end. */
  readonly dir: string;
  readonly home: string;
  readonly port: number;
  /** What each command is run by, for example in a namespace of its own. */
  prefix: readonly string[] = [];
  readonly #base: string;

  constructor(base: string, port: number) {
    this.#base = base;
    this.port = port;
    this.dir = join(base, 'work');
    this.home = join(base, 'home');
    for (const folder of [this.dir, this.home, join(base, 'tmp')]) mkdirSync(folder, { mode: 0o700 });
  }

  fixture(name: string): string {
    return resolve(root, 'test/fixtures', name);
  }

  write(name: string, text: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  environment(more: Record<string, string> = {}): Record<string, string> {
    const env: Record<string, string> = {};
    for (const [name, value] of Object.entries(process.env)) {
      if (value !== undefined && !/^(TUTTI_|NODE_|npm_|FORCE_COLOR|XDG_)/.test(name)) env[name] = value;
    }
    const own = {
      TUTTI_HOME: this.home,
      TMPDIR: join(this.#base, 'tmp'),
      PORT: String(this.port),
      TUTTI_ALLOW_ROOT: 'true',
    };
    return { ...env, ...own, [MARK_VARIABLE]: this.#base, ...more };
  }

  /** Without waiting for the end. */
  begin(args: readonly string[], { cwd = this.dir, env }: Where = {}): Running {
    const [program = nodePath, ...before] = [...this.prefix, nodePath, binPath];
    const command = spawn(program, [...before, ...args], {
      cwd,
      env: this.environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    command.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    command.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const finished = new Promise<Finished>((done) => {
      command.once('close', (code, signal) => done({ code, signal, stdout, stderr }));
    });
    return { process: command, finished, stdout: () => stdout };
  }

  run(args: readonly string[], where?: Where): Promise<Finished> {
    return within(`tutti ${args.join(' ')} to end`, this.begin(args, where).finished, 120_000);
  }

  /** Like run, for what must go well. */
  async ok(args: readonly string[], where?: Where): Promise<Finished> {
    const finished = await this.run(args, where);
    assert.equal(finished.code, 0, `tutti ${args.join(' ')}\n${finished.stdout}${finished.stderr}${this.logs()}`);
    return finished;
  }

  client(name: string): AdminClient {
    return new AdminClient(name, controlPaths(this.home, name));
  }

  snapshot(name: string): Promise<Snapshot> {
    return this.client(name).snapshot();
  }

  /** What the app in the background wrote to stderr so far. */
  logs(name = 'web'): string {
    const path = join(this.home, 'logs', `${name}.err.log`);
    return existsSync(path) ? readFileSync(path, 'utf8').slice(-3000) : '';
  }

  processes(): number[] {
    return markedProcesses(this.#base).map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(['delete', 'all', '--fast']).catch(() => {});
    const left = await eventually('no process left', () => this.processes().length === 0, { deadlineMs: 30_000 }).then(
      () => '',
      () => JSON.stringify(markedProcesses(this.#base)),
    );
    for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
    rmSync(this.#base, { recursive: true, force: true });
    assert.equal(left, '', 'processes are left');
  }
}

export async function openCli(): Promise<Cli> {
  assert.ok(existsSync(binPath), 'dist/ is not built: npm run build');
  return new Cli(realpathSync(mkdtempSync(join(tmpdir(), 'cli-'))), await freePort());
}
