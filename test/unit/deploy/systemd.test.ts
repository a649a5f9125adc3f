import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseBootManager } from '../../../src/deploy/boot-manager.ts';
import type { Service, ServiceStep } from '../../../src/deploy/service.ts';
import { systemd } from '../../../src/deploy/systemd/systemd.ts';

const web: Service = {
  app: 'web',
  scope: 'system',
  user: 'deploy',
  group: null,
  command: ['/usr/bin/node', '/opt/tutti/bin.js', 'run', '/srv/web/server.js'],
  reload: ['/usr/bin/node', '/opt/tutti/bin.js', 'reload', 'web'],
  folder: '/srv/web',
  environment: {},
  secrets: { TOKEN: 'x' },
  sockets: ['3000'],
  writes: [],
  isHomeless: false,
  startMs: 100_000,
  stopMs: 38_000,
};

const manager = systemd(257, '/home/deploy/.config');
const nothing = () => null;

/** A machine whose files are those that the steps wrote. */
function machine() {
  const files = new Map<string, string>();
  const carryOut = (steps: readonly ServiceStep[]) => {
    for (const step of steps) {
      if (step.do === 'write') files.set(step.path, step.text);
      if (step.do === 'remove') files.delete(step.path);
    }
  };
  return { files, carryOut, read: (path: string) => files.get(path) ?? null };
}

const commands = (steps: readonly ServiceStep[]) =>
  steps.flatMap((step) => (step.do === 'run' ? [step.argv.join(' ')] : []));

test('an installation writes the files, then has systemd read, enable and start them, the ports first', () => {
  const steps = manager.install(web, nothing);
  const base = '/etc/systemd/system/tutti-web';
  assert.deepEqual(
    steps.flatMap((step) => (step.do === 'write' ? [step.path] : [])),
    [`${base}.service`, `${base}.service.d/253.conf`, `${base}.socket`, `${base}.env`],
  );
  assert.deepEqual(commands(steps), [
    'systemctl daemon-reload',
    'systemctl enable tutti-web.service tutti-web.socket',
    'systemctl start tutti-web.socket tutti-web.service',
  ]);
});

test('a second installation writes nothing', () => {
  const { carryOut, read } = machine();
  carryOut(manager.install(web, read));
  assert.deepEqual(commands(manager.install(web, read)), [
    'systemctl enable tutti-web.service tutti-web.socket',
    'systemctl start tutti-web.socket tutti-web.service',
  ]);
  assert.equal(
    manager.install(web, read).some((step) => step.do !== 'run'),
    false,
  );
});

test('what an earlier installation had and this one has not is taken away', () => {
  const { files, carryOut, read } = machine();
  carryOut(manager.install(web, read));
  const steps = manager.install({ ...web, sockets: [], secrets: {} }, read);
  carryOut(steps);
  assert.ok(commands(steps).includes('systemctl disable --now tutti-web.socket'));
  assert.deepEqual(
    [...files.keys()],
    ['/etc/systemd/system/tutti-web.service', '/etc/systemd/system/tutti-web.service.d/253.conf'],
  );
});

test('a removal leaves nothing, and a second one does nothing', () => {
  const { files, carryOut, read } = machine();
  carryOut(manager.install({ ...web, isHomeless: true }, read));
  const steps = manager.remove('web', 'system', read);
  carryOut(steps);
  assert.deepEqual([...files.keys()], []);
  assert.deepEqual(commands(steps), [
    'systemctl disable --now tutti-web.socket tutti-web.service',
    'systemctl clean --what=state tutti-web.service',
    'systemctl daemon-reload',
    'systemctl reset-failed tutti-web.socket tutti-web.service',
  ]);
  assert.deepEqual(manager.remove('web', 'system', read), []);
});

test('a service of one user lies in his folder and starts without a login', () => {
  const steps = manager.install({ ...web, scope: 'user', user: null }, nothing);
  assert.ok(
    steps.some((step) => step.do === 'write' && step.path === '/home/deploy/.config/systemd/user/tutti-web.service'),
  );
  assert.deepEqual(commands(steps)[1], 'loginctl enable-linger');
  assert.match(commands(steps).at(-1) ?? '', /^systemctl --user start /);
});

test('the status says how it is, how it ended last, and what to type', () => {
  const shown = (more: string) =>
    `LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=4711\nNRestarts=1\nResult=success\nExecMainCode=0\nExecMainStatus=0\nStatusText=4 of 4 workers ready, generation 2\n${more}`;
  const running = manager.tell('web', 'system', shown(''));
  assert.equal(running.state, 'running');
  assert.equal(running.facts.pid, 4711);
  assert.ok(running.lines.some((line) => line.includes('4 of 4 workers ready')));
  const failed = manager.tell(
    'web',
    'system',
    'LoadState=loaded\nActiveState=failed\nSubState=failed\nMainPID=0\nExecMainCode=1\nExecMainStatus=78\nResult=exit-code',
  );
  assert.equal(failed.state, 'failed');
  assert.ok(failed.lines.some((line) => line.includes('exit code 78 (exit-code)')));
  assert.match(failed.lines.at(-1) ?? '', /journalctl -u tutti-web\.service.*systemctl start tutti-web\.service/);
  assert.equal(manager.tell('web', 'user', 'LoadState=not-found').state, 'absent');
});

test('where systemd is not process 1 it is said what else there is', () => {
  assert.throws(
    () => chooseBootManager({ systemdVersion: null, hasOpenRc: false, cron: null, configFolder: '/' }, 'system'),
    /nothing is known that starts it/,
  );
});
