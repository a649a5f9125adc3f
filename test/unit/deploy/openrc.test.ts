import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { chooseBootManager } from '../../../src/deploy/boot-manager.ts';
import { openrc } from '../../../src/deploy/openrc/openrc.ts';
import type { Service, ServiceStep } from '../../../src/deploy/service.ts';

const service = (more: Partial<Service> = {}): Service => ({
  app: 'web',
  scope: 'system',
  user: 'www',
  group: 'www',
  command: ['/usr/bin/node', '/opt/tutti/bin.js', 'run', "/srv/it's $HOME/server.js"],
  reload: ['/usr/bin/node', '/opt/tutti/bin.js', 'reload', 'web'],
  folder: "/srv/it's $HOME",
  environment: {},
  secrets: { TOKEN: 'x "y\' $z' },
  sockets: [],
  writes: [],
  isHomeless: false,
  startMs: 1000,
  stopMs: 38_000,
  ...more,
});

/** A machine whose files the steps change. */
function machine() {
  const files = new Map<string, string>();
  const carryOut = (steps: readonly ServiceStep[]): string[] =>
    steps.map((step) => {
      if (step.do === 'write') files.set(step.path, step.text);
      if (step.do === 'remove') files.delete(step.path);
      return step.do === 'run' ? step.argv.join(' ') : `${step.do} ${step.path}`;
    });
  const read = (path: string): string | null => files.get(path) ?? null;
  return {
    files,
    install: (one: Service) => carryOut(openrc.install(one, read)),
    remove: () => carryOut(openrc.remove('web', 'system', read)),
  };
}

test('it is written, enabled and started once, and taken back without a trace', () => {
  const at = machine();
  const begin = ['rc-update add tutti-web default', 'rc-service --ifstopped tutti-web start'];
  assert.deepEqual(at.install(service()), ['write /etc/init.d/tutti-web', 'write /etc/conf.d/tutti-web', ...begin]);
  assert.deepEqual(at.install(service()), begin);
  assert.deepEqual(at.install(service({ secrets: {} })), ['remove /etc/conf.d/tutti-web', ...begin]);
  assert.ok(at.remove().includes('rc-service --ifstarted tutti-web stop'));
  assert.equal(at.files.size, 0);
  assert.deepEqual(at.remove(), []);
});

test('the script gives every word as it was typed, read by a shell twice as OpenRC does', () => {
  const at = machine();
  at.install(service());
  const script = at.files.get('/etc/init.d/tutti-web') ?? '';
  assert.doesNotMatch(script, /x "y/, 'no secret');
  // As supervise-daemon.sh starts it.
  const start = 'eval each $command_user $directory $command -- $command_args';
  const each = 'each() { for word in "$@"; do printf "%s\\n" "$word"; done; }';
  const said = execFileSync(
    'sh',
    ['-c', `${at.files.get('/etc/conf.d/tutti-web')}${script}\n${each}\n${start}\necho "$TOKEN"`],
    {
      encoding: 'utf8',
    },
  );
  assert.deepEqual(said.trimEnd().split('\n'), [
    ...['www:www', "/srv/it's $HOME", '/usr/bin/node', '--', '/opt/tutti/bin.js', 'run', "/srv/it's $HOME/server.js"],
    'x "y\' $z',
  ]);
  assert.match(script, /^retry=TERM\/38\/KILL\/5$/m);
});

test('a user without a home has a state folder, which goes with the service', () => {
  const at = machine();
  at.install(service({ isHomeless: true }));
  assert.match(
    at.files.get('/etc/init.d/tutti-web') ?? '',
    /checkpath --directory --mode 0700 --owner 'www:www' '\/var\/lib\/tutti-web'/,
  );
  assert.ok(at.remove().includes('rm -rf /var/lib/tutti-web'));
});

test('how it is: by the exit code of rc-service', () => {
  const state = (output: string) => openrc.tell('web', 'system', output).state;
  assert.equal(state('absent\n'), 'absent');
  assert.equal(state('0\n tutti-web | default\n'), 'running');
  assert.equal(state('3\n'), 'stopped');
  assert.equal(state('32\n'), 'failed');
  assert.equal(openrc.tell('web', 'system', '0\n cron | default\n tutti-web | default').facts.enabled, true);
  assert.equal(openrc.tell('web', 'system', '0\n tutti-webber | default').facts.enabled, false);
});

test('it is used where it has booted the machine, and not for one user', () => {
  const facts = { systemdVersion: null, configFolder: '/x', hasOpenRc: true };
  const cron = { crontab: () => '', hasFolder: true, tutti: [] };
  assert.equal(chooseBootManager({ ...facts, cron }, 'system').name, 'OpenRC');
  assert.equal(chooseBootManager({ ...facts, cron }, 'user').name, 'cron');
  assert.throws(() => openrc.install(service({ sockets: ['80'] }), () => null), { code: 'ERR_FLAGS_INVALID' });
});
