// Under a real systemd as process 1: an app is installed as a service, reloaded, killed, frozen, rebooted and removed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { form } from '../support/form.ts';
import { type LoadResult, startLoad } from '../support/load.ts';
import { root } from '../support/rig.ts';
import { Machine, whyNot } from './machine.ts';

const suites = (process.env.TUTTI_TEST_DEBIAN ?? 'bookworm trixie').split(' ');
const port = 8080;
const unit = 'tutti-web.service';
const isLong = form === 'short' && 'not in the short form';

for (const suite of suites) {
  test(`an app is a service of ${suite}`, { skip: whyNot(suite), timeout: 300_000 }, async (t) => {
    await using machine = await Machine.boot(suite);
    const version = Number(/^systemd (\d+)/.exec(await machine.ok('systemctl', '--version'))?.[1]);
    deploy(machine, '1');
    await machine.ok('useradd', '--create-home', 'web');
    const before = await footprint(machine);
    const load = (options: { keepAlive?: number; fresh?: number; gets?: boolean } = {}) =>
      startLoad({ port, keepAlive: 0, fresh: 6, thinkMs: 10, netOf: machine.leader, ...options });

    let broken: string | false = false;
    /** Each builds on what those before it left. */
    const step = (name: string, act: () => Promise<void>, skip: string | false = false) =>
      t.test(name, { skip: broken || skip, timeout: 90_000 }, async () => {
        broken = 'a step before it failed';
        await act();
        broken = false;
      });

    await step('it is installed with its port, starts, and says how it is', async () => {
      const install = [
        'tutti',
        'service',
        'install',
        '/srv/web/server.cjs',
        '--name',
        'web',
        '--workers',
        '2',
        '--canary-time',
        '0',
        '--run-as',
        'web',
        '--socket',
        String(port),
        '--env',
        `PORT=${port}`,
        '--env',
        'SECRET=for the app alone',
      ];
      const said = await machine.ok(...install);
      assert.match(said, /write \/etc\/systemd\/system\/tutti-web\.service .*how the app is started/);
      assert.equal(await machine.show(unit, 'ActiveState'), 'active');
      assert.equal(await machine.show(unit, 'StatusText'), '2 of 2 workers ready, generation 1');
      assert.match(
        await machine.ok('tutti', 'service', 'status', 'web'),
        /active \(running\).*\n.*2 of 2 workers ready, generation 1/,
      );
      const again = await machine.ok(...install);
      assert.doesNotMatch(again, /write |daemon-reload/);
      const files = readFileSync(join(machine.root, 'etc/systemd/system/tutti-web.service'), 'utf8');
      assert.doesNotMatch(files, /for the app alone/);
    });

    await step('systemctl reload waits for the new code under load and loses nothing', async () => {
      await using clients = await load({ keepAlive: 10 });
      await clients.more(200);
      deploy(machine, '2');
      await machine.ok('systemctl', 'reload', unit);
      await clients.more(200);
      const { ok, failures, byVersion } = await clients.stop();
      assert.deepEqual(failures, [], `of ${ok}`);
      assert.ok((byVersion['2'] ?? 0) > 0, 'the new version answers');
      assert.equal(await machine.show(unit, 'StatusText'), '2 of 2 workers ready, generation 2');
    });

    await step('systemctl reload fails when the reload failed, and the old code serves on', async () => {
      machine.write('srv/web/server.cjs', 'throw new Error("boom")');
      await using clients = await load();
      const { code } = await machine.run('systemctl', 'reload', unit);
      assert.equal(code, 1);
      await clients.more(100);
      const { failures } = await clients.stop();
      assert.deepEqual(failures, []);
      assert.equal(await machine.show(unit, 'ActiveState'), 'active');
      assert.match(
        await machine.show(unit, 'StatusText'),
        /^2 of 2 workers ready, generation 2; the last reload failed: /,
      );
      deploy(machine, '3');
    });

    await step(
      'systemctl daemon-reexec is not noticed',
      async () => {
        await using clients = await load({ keepAlive: 10 });
        await clients.more(100);
        await machine.ok('systemctl', 'daemon-reexec');
        await clients.more(300);
        const { failures } = await clients.stop();
        assert.deepEqual(failures, []);
        assert.equal(await machine.show(unit, 'ActiveState'), 'active');
      },
      isLong,
    );

    await step('after SIGKILL of the main process clients wait at the port, and none is refused', async () => {
      await using clients = await load();
      await clients.more(100);
      const killed = await machine.show(unit, 'MainPID');
      await machine.ok('kill', '-KILL', killed);
      await another(machine, killed);
      await clients.more(100);
      assertNoneRefused(await clients.stop());
      assert.equal(await machine.show(unit, 'NRestarts'), '1');
    });

    await step(
      'after an upgrade of tutti systemd has another main process, which it watches, reloads and stops',
      async () => {
        await watched(machine, 3);
        await machine.ok('systemctl', 'restart', unit);
        const before = await machine.show(unit, 'MainPID');
        await using clients = await load({ keepAlive: 10 });
        await clients.more(100);
        await machine.ok('runuser', '-u', 'web', '--', 'env', 'HOME=/home/web', 'tutti', 'upgrade', 'web');
        await another(machine, before);
        await fed(machine);
        assert.match(
          await machine.ok('systemctl', 'status', unit),
          /active \(running\).*2 of 2 workers ready, generation 2/s,
        );
        assert.notEqual((await machine.run('kill', '-0', before)).code, 0, 'the old process has gone');
        deploy(machine, '4');
        await machine.ok('systemctl', 'reload', unit);
        await clients.more(100);
        const { ok, failures, byVersion } = await clients.stop();
        assert.deepEqual(failures, [], `of ${ok}`);
        assert.ok((byVersion['4'] ?? 0) > 0, 'the new version answers');
        assert.equal(await machine.show(unit, 'NRestarts'), '0');
        await machine.ok('systemctl', 'stop', unit);
        assert.equal(await machine.show(unit, 'Result'), 'success', await machine.story());
        assert.equal(await machine.show(unit, 'ActiveState'), 'inactive');
        assert.equal((await machine.run('pgrep', '-f', 'dist/bin.js run')).stdout, '');
        await watched(machine, null);
        await machine.ok('systemctl', 'start', unit);
      },
    );

    await step(
      'the watchdog ends a supervisor that stands still, and it comes back',
      async () => {
        await watched(machine, 3);
        await machine.ok('systemctl', 'restart', unit);
        await fed(machine);
        assert.equal(await machine.show(unit, 'NRestarts'), '0');
        await using clients = await load();
        const frozen = await machine.show(unit, 'MainPID');
        await machine.ok('kill', '-STOP', frozen);
        await another(machine, frozen);
        await clients.more(100);
        assertNoneRefused(await clients.stop());
        assert.match(await machine.ok('journalctl', '-u', unit, '--no-pager'), /Watchdog timeout/);
        await watched(machine, null);
      },
      isLong,
    );

    await step(
      'a soft reboot refuses nobody',
      async () => {
        await using clients = await load();
        await clients.more(100);
        const before = await machine.show(unit, 'MainPID');
        await machine.run('systemctl', 'soft-reboot');
        await another(machine, before);
        await clients.more(100);
        assertNoneRefused(await clients.stop());
      },
      version < 258 && 'a socket can wait for its end from systemd 258 on',
    );

    await step(
      'an app that cannot start is tried again slowly, and comes up by itself when it can',
      async () => {
        machine.write('srv/bad/server.cjs', 'throw new Error("boom")');
        const { code, stderr } = await machine.run(
          'tutti',
          'service',
          'install',
          '/srv/bad/server.cjs',
          '--name',
          'bad',
          '--workers',
          '1',
          '--run-as',
          'web',
          '--env',
          'PORT=8090',
        );
        assert.equal(code, 1, stderr);
        const began = performance.now();
        await eventually(
          'three more starts',
          async () => Number(await machine.show('tutti-bad.service', 'NRestarts')) >= 3,
          { deadlineMs: 60_000 },
        );
        assert.ok(performance.now() - began > 6_000, 'a start every 3 s at most');
        deploy(machine, '1', 'bad');
        await eventually('it runs', async () => (await machine.show('tutti-bad.service', 'ActiveState')) === 'active');
        await machine.ok('tutti', 'service', 'remove', 'bad');
      },
      isLong,
    );

    await step('after a reboot it serves by itself, as it was configured', async () => {
      await machine.reboot();
      await eventually(
        'it serves',
        async () => (await machine.show(unit, 'StatusText')) === '2 of 2 workers ready, generation 1',
      );
      await using clients = await load();
      await clients.more(50);
      const { failures, byVersion } = await clients.stop();
      assert.deepEqual(failures, []);
      assert.deepEqual(Object.keys(byVersion), ['4']);
    });

    await step(
      'a user has a service of his own without root, and no trace is left of it',
      async () => {
        const uid = (await machine.ok('id', '-u', 'web')).trim();
        // As a login would.
        await machine.ok('systemctl', 'start', `user@${uid}.service`);
        const env = ['env', 'HOME=/home/web', `XDG_RUNTIME_DIR=/run/user/${uid}`];
        const asWeb = ['setpriv', '--reuid', 'web', '--regid', 'web', '--init-groups', ...env];
        deploy(machine, '1', 'mine');
        const install = [
          'install',
          '/srv/mine/server.cjs',
          '--user',
          '--name',
          'mine',
          '--workers',
          '1',
          '--canary-time',
          '0',
        ];
        await machine.ok(...asWeb, 'tutti', 'service', ...install, '--socket', '8090', '--env', 'PORT=8090');
        const status = await machine.ok(...asWeb, 'tutti', 'service', 'status', 'mine', '--user');
        assert.match(status, /active \(running\).*\n.*1 of 1 workers ready, generation 1/);
        await machine.ok(...asWeb, 'systemctl', '--user', 'reload', 'tutti-mine.service');
        await machine.ok(...asWeb, 'tutti', 'service', 'remove', 'mine', '--user');
        const { stdout } = await machine.run('find', '/home/web/.config', '-name', '*tutti*');
        assert.equal(stdout, '');
        await machine.ok('systemctl', 'stop', `user@${uid}.service`);
      },
      isLong,
    );

    await step('its removal leaves nothing', async () => {
      await machine.ok('tutti', 'service', 'remove', 'web');
      assert.deepEqual(await footprint(machine), before);
      assert.match(await machine.ok('tutti', 'service', 'remove', 'web'), /there is no service of it/);
      const { code } = await machine.run('tutti', 'service', 'status', 'web');
      assert.equal(code, 5);
    });
  });
}

function deploy(machine: Machine, version: string, app = 'web'): void {
  const source = readFileSync(join(root, 'test/fixtures/hello.cjs'), 'utf8');
  machine.write(`srv/${app}/server.cjs`, source.replace("VERSION = '1'", `VERSION = '${version}'`));
}

/** A main process that is ready, and not the one with this number. */
function another(machine: Machine, before: string): Promise<unknown> {
  return eventually(
    'another main process that is ready',
    async () => {
      const [pid, state] = [await machine.show(unit, 'MainPID'), await machine.show(unit, 'ActiveState')];
      return pid !== '0' && pid !== before && state === 'active';
    },
    { deadlineMs: 60_000, everyMs: 100 },
  );
}

/** By a drop-in, which goes with null. */
async function watched(machine: Machine, seconds: number | null): Promise<void> {
  const folder = `etc/systemd/system/${unit}.d`;
  if (seconds !== null) machine.write(`${folder}/test.conf`, `[Service]\nWatchdogSec=${seconds}\n`);
  else {
    await machine.ok('rm', `/${folder}/test.conf`);
    await machine.run('rmdir', `/${folder}`);
  }
  await machine.ok('systemctl', 'daemon-reload');
}

/** It feeds the watchdog for longer than that takes to bark. */
async function fed(machine: Machine): Promise<void> {
  const since = Number(await machine.show(unit, 'WatchdogTimestampMonotonic'));
  await eventually(
    'four signs of life',
    async () => Number(await machine.show(unit, 'WatchdogTimestampMonotonic')) > since + 4_500_000,
  );
}

/** What the dead process had accepted is lost; whoever came later waited. */
function assertNoneRefused({ failures, ok }: LoadResult): void {
  const refused = failures.filter(({ code }) => !['ECONNRESET', 'EPIPE', 'closed'].includes(code));
  assert.deepEqual(refused, [], `of ${ok}`);
  assert.ok(failures.length <= 6, `each of 6 clients had one request under way, and ${failures.length} were lost`);
}

/** What an installation leaves on the machine: files and units. */
async function footprint(machine: Machine): Promise<string> {
  const files = await machine.run('find', '/etc', '/usr/lib/systemd', '/var/lib', '/run/systemd', '-name', '*tutti*');
  const units = await machine.ok('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'tutti-*');
  const processes = await machine.run('pgrep', '-f', 'dist/bin.js run');
  return files.stdout + units + processes.stdout;
}
