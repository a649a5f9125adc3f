// Debian's Docker engine, unpacked, in network and mount namespaces of its own: nothing is installed, and nothing of it is left.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, within } from '../support/eventually.ts';
import { nodePath, root } from '../support/rig.ts';
import { engineEnvironment, engines, exportIn, importNode, makeProject } from './image.ts';

const unpacked = join(engines, 'docker');
export const BASE_IMAGE = 'local/node';

export class DockerEngine implements AsyncDisposable {
  readonly #base = realpathSync(mkdtempSync(join(tmpdir(), 'engine-')));
  readonly project = join(this.#base, 'project');
  readonly #env: NodeJS.ProcessEnv;
  #daemon: ChildProcess | null = null;
  readonly #loads = new Set<ChildProcess>();
  #log = '';

  private constructor() {
    mkdirSync(this.project);
    this.#env = { ...engineEnvironment('docker', this.#base), DOCKER_HOST: `unix://${this.#base}/d.sock` };
    symlinkSync(join(unpacked, 'usr/bin/tini-static'), join(this.#base, 'bin/docker-init'));
    mkdirSync(join(this.#base, '.docker/cli-plugins'), { recursive: true });
    symlinkSync(
      join(unpacked, 'usr/libexec/docker/cli-plugins/docker-compose'),
      join(this.#base, '.docker/cli-plugins/docker-compose'),
    );
  }

  /** With the project built into `web:1.0.0` by the Dockerfile that tutti exports. */
  static async start(): Promise<DockerEngine> {
    const engine = new DockerEngine();
    try {
      await engine.#boot();
      importNode('docker', BASE_IMAGE, engine.#base, engine.#env);
      makeProject(engine.project);
      engine.export('docker', 'server.cjs', '--out', '.');
      await engine.docker(
        'build',
        '--network',
        'none',
        '--build-arg',
        `NODE_IMAGE=${BASE_IMAGE}`,
        '-t',
        'web:1.0.0',
        '.',
      );
      return engine;
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #boot(): Promise<void> {
    const at = (name: string): string => join(this.#base, name);
    const daemon = [
      'dockerd',
      '--data-root',
      at('data'),
      '--exec-root',
      at('exec'),
      '-H',
      `unix://${at('d.sock')}`,
      '--pidfile',
      at('d.pid'),
    ];
    // Within what an ordinary container, in which CI may run, is allowed.
    const how = [
      '--storage-driver',
      'overlay2',
      '--exec-opt',
      'native.cgroupdriver=cgroupfs',
      '--default-ulimit',
      'nofile=20000:20000',
    ];
    const child = spawn(
      'nice',
      ['-n', '19', 'unshare', '-n', '-m', 'bash', '-c', 'ip link set lo up; exec "$@"', '_', ...daemon, ...how],
      {
        env: this.#env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    );
    for (const output of [child.stdout, child.stderr])
      output.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#daemon = child;
    await eventually(
      'the Docker engine to answer',
      () =>
        this.docker('info').then(
          () => true,
          () => false,
        ),
      { deadlineMs: 60_000, everyMs: 200 },
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#log.slice(-2000)}`);
    });
  }

  /** Standard output; throws with what it said otherwise. */
  async docker(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('docker', args, {
      cwd: this.project,
      env: this.#env,
      maxBuffer: 2 ** 26,
      timeout: 240_000,
    });
    return stdout.trim();
  }

  /** What a container has written, tutti's own lines before the others. */
  async logs(container: string): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)('docker', ['logs', container], { env: this.#env });
    return stderr + stdout;
  }

  export(...args: string[]): string {
    return exportIn(this.project, args);
  }

  inspect(container: string, what: string): Promise<string> {
    return this.docker('inspect', '--format', what, container);
  }

  async healthy(container: string): Promise<void> {
    await eventually(
      `${container} to be healthy`,
      async () => (await this.inspect(container, '{{.State.Health.Status}}')) === 'healthy',
      { deadlineMs: 60_000, everyMs: 200 },
    );
  }

  async address(container: string): Promise<string> {
    return this.inspect(container, '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}').then(
      (all) => all.trim().split(' ')[0] ?? '',
    );
  }

  /** A request from the engine's network. */
  async get(address: string, path = '/'): Promise<string> {
    const { stdout } = await promisify(execFile)('nsenter', [
      '-t',
      String(this.#pid()),
      '-n',
      'curl',
      '-s',
      '-m',
      '10',
      `http://${address}:3000${path}`,
    ]);
    return stdout;
  }

  /** Load from the engine's network, or that of process `pid`, until `stop()`; its last line is the result. */
  load(target: string, pid = this.#pid()): { stop: () => Promise<LoadResult> } {
    const client = spawn(
      'nsenter',
      ['-t', String(pid), '-n', nodePath, join(root, 'test/platforms/client.mjs'), target],
      { env: this.#env, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    let output = '';
    client.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    this.#loads.add(client);
    const ended = new Promise<void>((done) => client.once('close', () => done())).then(
      () => void this.#loads.delete(client),
    );
    return {
      stop: async () => {
        client.stdin.end();
        await within('the load to end', ended, 60_000);
        return JSON.parse(output);
      },
    };
  }

  #pid(): number {
    return Number(readFileSync(join(this.#base, 'd.pid'), 'utf8'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const load of this.#loads) load.kill('SIGKILL');
    const daemon = this.#daemon;
    if (daemon !== null && daemon.exitCode === null) {
      await this.docker('swarm', 'leave', '--force').catch(() => {});
      const all = await this.docker('ps', '-aq').catch(() => '');
      if (all !== '') await this.docker('rm', '-f', ...all.split('\n')).catch(() => {});
      const ended = new Promise((done) => daemon.once('exit', done));
      daemon.kill('SIGTERM');
      await within('the Docker engine to end', ended, 60_000);
    }
    const left = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.#base));
    assert.deepEqual(left, [], 'mounts are left');
    assert.deepEqual(processesIn(this.#base), [], 'processes are left');
    rmSync(this.#base, { recursive: true, force: true });
  }
}

export interface LoadResult {
  answered: number;
  /** By the code of the error; a refused connection has carried no request. */
  failed: Record<string, number>;
  /** How many answers each version gave. */
  versions: Record<string, number>;
}

function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        // Gone meanwhile.
        return false;
      }
    });
}
