// What tutti export makes, in a real Docker engine: npm run test:docker. As root, some minutes, not part of CI; docs/deploy/docker.md has what it printed.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { DockerEngine } from './docker-engine.ts';
import { engines, whyNot } from './image.ts';

const skip = whyNot('docker', 'usr/sbin/dockerd');
const noCompose = existsSync(join(engines, 'docker/usr/libexec/docker/cli-plugins/docker-compose'))
  ? false
  : 'docker compose is not there';

const say = (text: string): void => console.log(`# ${text}`);

describe('in a Docker engine', { skip, concurrency: false }, () => {
  let engine: DockerEngine;
  before(async () => {
    engine = await DockerEngine.start();
  });
  after(() => engine?.[Symbol.asyncDispose]());

  const run = async (name: string, ...options: string[]): Promise<string> => {
    await engine.docker('run', '--detach', '--name', name, ...options, 'web:1.0.0');
    await engine.healthy(name);
    return engine.address(name);
  };
  const status = async (name: string) =>
    JSON.parse(await engine.docker('exec', name, 'tutti', 'status', 'web', '--json'));
  const end = (name: string) => engine.docker('rm', '--force', name);

  it('stops with exit code 0, in time, and loses nothing of what balancers send until they hear of it', async () => {
    const address = await run('stops', '--cpus', '2', '--env', 'TUTTI_PRE_STOP_DELAY=3s');
    const load = engine.load(address);
    await eventually('some load', async () => (await status('stops')).workers[0].requestsTotal > 200, {
      deadlineMs: 30_000,
    });
    const began = performance.now();
    const stopping = engine.docker('stop', '--time', '33', 'stops');
    await eventually('the stop to begin', async () => (await engine.logs('stops')).includes('stopping'), {
      deadlineMs: 10_000,
      everyMs: 50,
    });
    const { answered, failed } = await load.stop();
    await stopping;
    const tookMs = performance.now() - began;
    say(
      `docker stop, preStopDelay 3s: ${Math.round(tookMs)} ms, ${answered} answered, failed ${JSON.stringify(failed)}`,
    );
    assert.equal(await engine.inspect('stops', '{{.State.ExitCode}}'), '0');
    assert.ok(tookMs >= 3000 && tookMs < 33_000);
    assert.deepEqual(failed, {});
    await end('stops');
  });

  it('loses nothing in flight where nobody hears of its end', async () => {
    const address = await run('refuses', '--cpus', '2');
    const load = engine.load(address);
    await eventually('some load', async () => (await status('refuses')).workers[0].requestsTotal > 200, {
      deadlineMs: 30_000,
    });
    await engine.docker('stop', '--time', '30', 'refuses');
    const { answered, failed } = await load.stop();
    say(`docker stop, clients go on: ${answered} answered, failed ${JSON.stringify(failed)}`);
    assert.equal(await engine.inspect('refuses', '{{.State.ExitCode}}'), '0');
    // New clients are refused, or find no machine any more. A request that was being answered is answered.
    assert.deepEqual(
      Object.keys(failed).filter((code) => code.includes('/slow') && !/ECONNREFUSED|EHOSTUNREACH|timeout/.test(code)),
      [],
    );
    await end('refuses');
  });

  it('has as many workers as the quota bears, and their heaps fit into the memory', async () => {
    const address = await run('limits', '--cpus', '1.5', '--memory', '384m');
    const { heapMiB } = JSON.parse(await engine.get(address));
    const told = await engine.logs('limits');
    const { workers } = await status('limits');
    say(
      `--cpus 1.5 --memory 384m: ${workers.length} workers, heap ${Math.round(heapMiB)} MiB; ${told.split('\n').filter((line) => line.includes('→'))}`,
    );
    assert.equal(workers.length, 2);
    assert.ok(heapMiB * 2 < 384, `${heapMiB} MiB each`);
    await end('limits');
  });

  it('outlives a worker that the kernel kills for its memory', async () => {
    const address = await run('eats', '--cpus', '2', '--memory', '512m', '--memory-swap', '512m');
    const before = (await status('eats')).workers.map(({ pid }: { pid: number }) => pid);
    await engine.get(address, '/eat').catch(() => {});
    await eventually(
      'another worker',
      async () => {
        const { workers } = JSON.parse(await engine.docker('exec', 'eats', 'tutti', 'status', 'web', '--json'));
        return (
          workers.every(({ state }: { state: string }) => state === 'ready') &&
          workers.some(({ pid }: { pid: number }) => !before.includes(pid))
        );
      },
      { deadlineMs: 30_000, everyMs: 200 },
    );
    assert.match(await engine.get(address), /"pid"/);
    assert.equal(await engine.inspect('eats', '{{.State.Running}} {{.RestartCount}}'), 'true 0');
    say(
      `a worker without memory: ${(await engine.logs('eats'))
        .split('\n')
        .filter((line) => /exit|ended|killed/i.test(line))
        .join(' | ')}`,
    );
    await end('eats');
  });

  it('runs without a writable file system, without rights, and as a user that nobody knows', async () => {
    const address = await run(
      'bare',
      '--read-only',
      '--tmpfs',
      '/tmp',
      '--user',
      '54321:0',
      '--cap-drop',
      'ALL',
      '--security-opt',
      'no-new-privileges',
    );
    assert.equal(JSON.parse(await engine.get(address)).uid, 54321);
    const status = await engine.docker('exec', 'bare', 'tutti', 'status');
    assert.match(status, /running/);
    await engine.docker('stop', '--time', '30', 'bare');
    assert.equal(await engine.inspect('bare', '{{.State.ExitCode}}'), '0');
    await end('bare');
  });

  it('comes up by the exported compose file, and goes down in time', { skip: noCompose }, async () => {
    engine.export('compose', 'server.cjs', '--out', '.');
    await engine.docker('compose', 'up', '--detach', '--wait', '--no-build');
    const address = await engine.address('project-web-1');
    const { uid } = JSON.parse(await engine.get(address));
    assert.equal(uid, 1000);
    assert.match(await engine.docker('compose', 'exec', 'web', 'tutti', 'status'), /running/);
    await engine.docker('compose', 'stop');
    assert.equal(await engine.inspect('project-web-1', '{{.State.ExitCode}}'), '0');
    await engine.docker('compose', 'down');
  });

  it('is updated by a swarm, the new one first, and brought back from a broken one', async (test) => {
    await engine.docker('swarm', 'init', '--advertise-addr', '127.0.0.1');
    engine.export('swarm', 'server.cjs', '--cpus', '1', '--out', '.');
    const file = join(engine.project, 'swarm.yaml');
    // The kernel may lack the mesh of a swarm, so the client is a neighbour of the tasks, and hears of them as the balancer does, half a second late.
    const ours = readFileSync(file, 'utf8')
      .replace('published: 3000, protocol: tcp, mode: ingress', 'protocol: tcp, mode: host')
      .replace(/monitor: \d+s/, 'monitor: 5s');
    const client = [
      '  client:',
      '    image: web:1.0.0',
      '    entrypoint: ["sleep", "600"]',
      '    healthcheck: { disable: true }',
      '    stop_signal: SIGKILL',
    ];
    writeFileSync(file, `${ours}${client.join('\n')}\n`);
    await engine.docker('stack', 'deploy', '--compose-file', 'swarm.yaml', 's');
    // As the swarm's own balancer sees it: a task counts from when it is healthy until it is told to end.
    const tasks = async (): Promise<string[]> => {
      const ids = await engine.docker('service', 'ps', '--quiet', '--filter', 'desired-state=running', 's_web');
      const what = '{{.Status.State}} {{range .NetworksAttachments}}{{range .Addresses}}{{.}} {{end}}{{end}}';
      const all = await engine.docker(
        'inspect',
        '--type',
        'task',
        '--format',
        what,
        ...ids.split('\n').filter(Boolean),
      );
      const running = all.split('\n').filter((line) => line.startsWith('running '));
      return running.map((line) => /10\.\S+(?=\/)/.exec(line)?.[0] ?? '').filter(Boolean);
    };
    await eventually('two tasks', async () => (await tasks()).length === 2, { deadlineMs: 60_000, everyMs: 300 });
    const list = join(engine.project, 'tasks.txt');
    let isOver = false;
    const lookout = (async () => {
      while (!isOver) {
        const found = await tasks().catch(() => []);
        if (found.length > 0) writeFileSync(list, `${found.join('\n')}\n`);
        await new Promise((next) => setTimeout(next, 200));
      }
    })();
    const pid = await engine.inspect(
      await engine.docker('ps', '--quiet', '--filter', 'name=s_client'),
      '{{.State.Pid}}',
    );
    test.after(() => {
      isOver = true;
    });
    for (const [version, dockerfile] of [
      ['v2', 'ENV VERSION=v2'],
      ['broken', 'CMD ["is-not-there.js"]'],
    ] as const) {
      writeFileSync(join(engine.project, 'Dockerfile.next'), `FROM web:1.0.0\n${dockerfile}\n`);
      await engine.docker('build', '-q', '-f', 'Dockerfile.next', '-t', `web:${version}`, '.');
      const load = engine.load(list, Number(pid));
      const began = performance.now();
      await engine.docker('service', 'update', '--quiet', '--no-resolve-image', '--image', `web:${version}`, 's_web');
      const state = await engine.docker('service', 'inspect', '--format', '{{.UpdateStatus.State}}', 's_web');
      assert.equal(state, version === 'v2' ? 'completed' : 'rollback_completed');
      const tookMs = performance.now() - began;
      const { answered, failed, versions } = await load.stop();
      say(
        `swarm, update to ${version}: ${Math.round(tookMs / 1000)} s, ${answered} answered (${JSON.stringify(versions)}), failed ${JSON.stringify(failed)}`,
      );
      assert.ok((versions.v2 ?? 0) > 0);
      assert.deepEqual(failed, {});
    }
    isOver = true;
    await lookout;
    await engine.docker('stack', 'rm', 's');
  });
});
