// The command line as a user types it, with a home, a folder and a mark of its own; everything it put into the background is gone
// at the end.
//
//   await using cli = await openCli();
//   const { code, stdout } = await cli.run(['start', cli.fixture('hello.cjs'), '-n', 'web']);

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../../src/admin/client/client.ts';
import { controlPaths } from '../../src/files/state-folder.ts';
import type { Snapshot } from '../../src/supervisor/picture/snapshot.ts';
import { within } from './eventually.ts';
import { freePort } from './free-port.ts';
import { binPath, type Finished, finished, fixture, nodePath, outputOf, Sandbox } from './sandbox.ts';

export type { Finished } from './sandbox.ts';

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
  readonly #sandbox = new Sandbox();

  constructor(port: number) {
    this.port = port;
    this.dir = this.#sandbox.dir;
    this.home = this.#sandbox.home;
  }

  fixture(name: string): string {
    return fixture(name);
  }

  write(name: string, text: string): string {
    return this.#sandbox.write(name, text);
  }

  environment(more: Record<string, string> = {}): Record<string, string> {
    return this.#sandbox.environment({ PORT: String(this.port), ...more });
  }

  /** Without waiting for the end. */
  begin(args: readonly string[], { cwd = this.dir, env }: Where = {}): Running {
    const [program = nodePath, ...before] = [...this.prefix, nodePath, binPath];
    const command = spawn(program, [...before, ...args], {
      cwd,
      env: this.environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = outputOf(command);
    return { process: command, finished: finished(command, said), stdout: () => said.stdout };
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
    return this.#sandbox.processes().map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(['delete', 'all', '--fast']).catch(() => {});
    const left = await this.#sandbox.close();
    // A supervisor that its test has killed leaves its own to the next one; of others the rig knows.
    assert.deepEqual(
      left.filter((what) => !/behind: (home\/|tmp\/tutti-)/.test(what)),
      [],
    );
  }
}

export async function openCli(): Promise<Cli> {
  return new Cli(await freePort());
}
