// The manifest that tutti export makes for Kubernetes, played by a real podman: npm run test:podman. As root, some minutes, not part of CI.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { engineEnvironment, engines, exportIn, importNode, makeProject, whyNot } from './image.ts';

const skip = whyNot('podman', 'usr/bin/podman');
const unpacked = join(engines, 'podman');
const say = (text: string): void => console.log(`# ${text}`);

/** It has no daemon: folders, a network namespace of its own, and a way to call it. */
class Podman {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'podman-')));
  readonly project = join(this.base, 'project');
  readonly env: NodeJS.ProcessEnv;
  readonly #network = spawn('unshare', ['-n', 'bash', '-c', 'ip link set lo up; exec sleep infinity'], {
    stdio: 'ignore',
  });

  constructor() {
    for (const folder of [this.project, join(this.base, 'net')]) mkdirSync(folder);
    const usr = (path: string): string => join(unpacked, 'usr', path);
    const path = (name: string, text: string): string => {
      writeFileSync(join(this.base, name), text);
      return join(this.base, name);
    };
    this.env = {
      ...engineEnvironment('podman', this.base),
      CONTAINERS_CONF: path(
        'containers.conf',
        `[containers]\ndefault_ulimits = ["nofile=20000:20000","nproc=32768:32768"]\nseccomp_profile = "${usr('share/containers/seccomp.json')}"\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\ninfra_image = "localhost/pause:1"\nconmon_path = ["${usr('bin/conmon')}"]\nhelper_binaries_dir = ["${usr('lib/podman')}"]\n[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "${this.base}/net"\n[engine.runtimes]\nrunc = ["${usr('sbin/runc')}", "${usr('bin/runc')}"]\n`,
      ),
      CONTAINERS_REGISTRIES_CONF: path('registries.conf', 'unqualified-search-registries = []\n'),
      CONTAINERS_STORAGE_CONF: path(
        'storage.conf',
        `[storage]\ndriver = "overlay"\ngraphroot = "${this.base}/store"\nrunroot = "${this.base}/run"\n`,
      ),
    };
    path('policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
    mkdirSync(join(this.base, '.config/containers'), { recursive: true });
    copyFileSync(join(this.base, 'policy.json'), join(this.base, '.config/containers/policy.json'));
  }

  async call(...args: string[]): Promise<string> {
    const how = { cwd: this.project, env: this.env, maxBuffer: 2 ** 26, timeout: 280_000 };
    const { stdout } = await promisify(execFile)(
      'nsenter',
      ['-t', String(this.#network.pid), '-n', 'nice', '-n', '19', 'podman', ...args],
      how,
    );
    return stdout.trim();
  }

  async prepare(): Promise<void> {
    importNode('podman', 'localhost/node', this.base, this.env);
    makeProject(this.project);
    copyFileSync(join(unpacked, 'usr/bin/catatonit'), join(this.project, 'catatonit'));
    writeFileSync(join(this.project, 'Pause'), 'FROM scratch\nCOPY catatonit /pause\nENTRYPOINT ["/pause", "-P"]\n');
    await this.call('build', '-q', '-f', 'Pause', '-t', 'localhost/pause:1', '.');
    rmSync(join(this.project, 'catatonit'));
    this.export('docker', 'server.cjs', '--out', '.');
    await this.call(
      'build',
      '-q',
      '--layers=false',
      '--network',
      'none',
      '--build-arg',
      'NODE_IMAGE=localhost/node',
      '-t',
      'localhost/web:1.0.0',
      '.',
    );
  }

  export(...args: string[]): string {
    return exportIn(this.project, args);
  }

  async end(): Promise<void> {
    await this.call('pod', 'rm', '--all', '--force').catch(() => {});
    await this.call('rm', '--all', '--force').catch(() => {});
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.base))
      .map((line) => line.split(' ')[1] ?? '');
    for (const mount of mounts.toReversed()) execFileSync('umount', [mount]);
    this.#network.kill('SIGKILL');
    rmSync(this.base, { recursive: true, force: true });
  }
}

describe('in podman', { skip, concurrency: false }, () => {
  let podman: Podman;
  before(async () => {
    podman = new Podman();
    await podman.prepare();
  });
  after(() => podman?.end());

  it('runs as the manifest says: limits, rights, probes, and an end in time', async () => {
    podman.export(
      'kubernetes',
      'server.cjs',
      '--image',
      'localhost/web:1.0.0',
      '--replicas',
      '1',
      '--cpus',
      '1',
      '--memory',
      '256M',
      '--out',
      '.',
    );
    say((await podman.call('play', 'kube', 'kubernetes.yaml')).split('\n').join(' '));
    const name =
      (await podman.call('ps', '--format', '{{.Names}}')).split('\n').find((one) => one.endsWith('-web')) ?? '';
    const status = async () => JSON.parse(await podman.call('exec', name, 'tutti', 'status', 'web', '--json'));
    await eventually('the workers to be ready', async () => (await status()).state === 'running', {
      deadlineMs: 60_000,
      everyMs: 300,
    });
    const ask = (path: string) =>
      podman.call(
        'exec',
        name,
        'node',
        '-e',
        `fetch('http://127.0.0.1:9400${path}').then(async (a) => console.log(a.status, await a.text()))`,
      );
    assert.match(await ask('/readyz'), /^200 /);
    assert.match(await ask('/livez'), /^200 /);
    const own = JSON.parse(
      await podman.call(
        'exec',
        name,
        'node',
        '-e',
        "fetch('http://127.0.0.1:3000/').then(async (a) => console.log(await a.text()))",
      ),
    );
    assert.equal(own.uid, 1000);
    const { workers } = await status();
    say(`1 CPU, 256Mi: ${workers.length} worker, heap ${Math.round(own.heapMiB)} MiB`);
    assert.equal(workers.length, 1);
    assert.ok(own.heapMiB < 256);
    assert.equal(
      await podman.call(
        'inspect',
        '--format',
        '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Memory}} {{len .EffectiveCaps}}',
        name,
      ),
      'true 268435456 0',
    );
    const began = performance.now();
    await podman.call('stop', '--time', '40', name);
    say(`podman stop: ${Math.round(performance.now() - began)} ms`);
    assert.equal(await podman.call('inspect', '--format', '{{.State.ExitCode}}', name), '0');
  });
});
