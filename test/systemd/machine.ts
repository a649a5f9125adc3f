// A machine with systemd as its process 1, booted in a container by systemd-nspawn: its own processes, mounts and network, no service manager of
// the host needed. Node.js and the packed tutti are in it as a user would have installed them.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, within } from '../support/eventually.ts';
import { nodePath, root } from '../support/rig.ts';

const archives = join(root, '.cache/systemd');

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Why no such machine can be had here, or false. */
export function whyNot(suite: string): string | false {
  if (process.getuid?.() !== 0) return 'this is not root';
  const tool = ['systemd-nspawn', 'nsenter', 'tar'].find((one) => spawnSync('which', [one]).status !== 0);
  if (tool !== undefined) return `${tool} is not installed`;
  return existsSync(join(archives, `${suite}.tar`))
    ? false
    : `there is no root file system of ${suite} (npm run test:systemd makes it)`;
}

/** Ctrl-C on the tests does not reach what lives in another session. */
const living = new Set<number>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // It halts its machine, and gives back what it mounted.
    for (const pid of living) process.kill(pid, 'SIGTERM');
    process.kill(process.pid, signal);
  });
}

export class Machine implements AsyncDisposable {
  readonly #base = realpathSync(mkdtempSync(join(tmpdir(), 'machine-')));
  readonly #name = `tutti-test-${process.pid}`;
  readonly #cgroups: string[];
  #nspawn: ChildProcess | null = null;
  #ended: Promise<number | null> = Promise.resolve(null);
  #log = '';

  private constructor() {
    // With cgroup v1 or a mix of both, systemd has trees of its own.
    const mixed = ['unified', 'systemd'].map((tree) => `/sys/fs/cgroup/${tree}`).filter((tree) => existsSync(tree));
    this.#cgroups = (mixed.length > 0 ? mixed : ['/sys/fs/cgroup']).map((tree) => join(tree, this.#name));
  }

  static async boot(suite: string): Promise<Machine> {
    const machine = new Machine();
    try {
      mkdirSync(machine.root);
      execFileSync('tar', ['-C', machine.root, '-xf', join(archives, `${suite}.tar`)]);
      machine.#installTutti();
      for (const cgroup of machine.#cgroups) mkdirSync(cgroup);
      machine.#start();
      await machine.#up();
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  get root(): string {
    return join(this.#base, 'root');
  }

  /** Its process 1, by the number that it has outside. */
  get leader(): number {
    const pid = this.#nspawn?.pid;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    assert.ok(children[0], 'the machine has no process 1');
    return Number(children[0]);
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }

  /** Beside the test's own work; what it prints is kept. */
  run(...argv: string[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      const child = spawn('nsenter', ['-t', String(this.leader), '-a', ...argv], {
        cwd: '/',
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  async ok(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...argv);
    assert.equal(code, 0, `${argv.join(' ')}: exit code ${code}\n${stdout}\n${stderr}\n${await this.story()}`);
    return stdout;
  }

  /** One property of a unit. */
  async show(unit: string, property: string): Promise<string> {
    const { stdout } = await this.run('systemctl', 'show', '-p', property, '--value', unit);
    return stdout.trim();
  }

  async reboot(): Promise<void> {
    const before = this.#nspawn;
    await this.run('systemctl', 'reboot');
    await eventually('another boot', () => this.#nspawn !== before, { deadlineMs: 60_000 });
    await this.#up();
  }

  /** The last lines of its journal, for the message of a failed test. */
  async story(): Promise<string> {
    const { stdout } = await this.run('journalctl', '-n', '60', '--no-pager', '-o', 'cat').catch(() => ({
      stdout: '',
    }));
    return `${stdout}\n${this.#log.slice(-1000)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const nspawn = this.#nspawn;
    if (nspawn !== null) {
      await this.run('systemctl', 'poweroff').catch(() => {});
      await within('the machine to power off', this.#ended, 60_000).catch(() => {
        nspawn.kill('SIGKILL');
        return this.#ended;
      });
    }
    for (const cgroup of this.#cgroups) removeTree(cgroup);
    const left = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.#base));
    assert.deepEqual(left, [], 'mounts are left');
    rmSync(this.#base, { recursive: true, force: true });
  }

  #start(): void {
    // It joins its cgroups before it is systemd-nspawn, which else would make its own in those of the host.
    const join = this.#cgroups.map((cgroup) => `echo $$ > ${cgroup}/cgroup.procs`).join('; ');
    const nspawn = [
      'systemd-nspawn',
      '-q',
      '-D',
      this.root,
      '-M',
      this.#name,
      '--boot',
      '--register=no',
      '--keep-unit',
    ];
    const how = ['--private-network', '--console=passive', '--link-journal=no', '--kill-signal=SIGRTMIN+3'];
    const child = spawn('bash', ['-c', `${join}; exec "$@"`, '_', ...nspawn, ...how], {
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const output of [child.stdout, child.stderr])
      output.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#nspawn = child;
    if (child.pid !== undefined) living.add(child.pid);
    this.#ended = new Promise((ended) => {
      child.once('exit', (code) => {
        if (child.pid !== undefined) living.delete(child.pid);
        // As it says that its machine wants to boot again.
        if (code === 133) this.#start();
        else {
          this.#nspawn = null;
          ended(code);
        }
      });
    });
  }

  async #up(): Promise<void> {
    await eventually(
      'the machine to be up',
      async () => {
        const { stdout } = await this.run('systemctl', 'is-system-running');
        return /^(running|degraded)$/.test(stdout.trim());
      },
      { deadlineMs: 60_000, everyMs: 100 },
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#log}`);
    });
  }

  /** As npm install --global does: the files of the package, and beside them the packages that it needs. */
  #installTutti(): void {
    cpSync(realpathSync(nodePath), join(this.root, 'usr/bin/node'));
    const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', this.#base], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ filename }] = JSON.parse(packed);
    const target = join(this.root, 'usr/lib/node_modules/tutti');
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-C', target, '--strip-components=1', '-xf', join(this.#base, filename)]);
    const { dependencies } = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      cpSync(join(root, 'node_modules', name), join(target, 'node_modules', name), { recursive: true });
    }
    writeFileSync(
      join(this.root, 'usr/bin/tutti'),
      '#!/bin/sh\nexec node /usr/lib/node_modules/tutti/dist/bin.js "$@"\n',
      { mode: 0o755 },
    );
  }
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  rmdirSync(folder);
}
