import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { chooseBootManager } from '../../../src/deploy/boot-manager.ts';
import { cron } from '../../../src/deploy/cron/cron.ts';
import type { Scope, Service, ServiceStep } from '../../../src/deploy/service.ts';

const service = (more: Partial<Service> = {}): Service => ({
  app: 'web',
  scope: 'user',
  user: null,
  group: null,
  command: ['/usr/bin/node', '/opt/tutti/bin.js', 'run', "/srv/it's 100%/server.js"],
  reload: [],
  folder: "/srv/it's 100%",
  environment: {},
  secrets: { TOKEN: 'x y', TUTTI_WORKERS: '2' },
  sockets: [],
  writes: [],
  isHomeless: false,
  startMs: 1000,
  stopMs: 1000,
  ...more,
});

/** A machine with a crontab and files, which the steps change. */
function machine(crontab: string | null) {
  const files = new Map<string, string>();
  const state = { crontab };
  const manager = cron({ crontab: () => state.crontab, hasFolder: true, tutti: ['node', 'tutti'] });
  const read = (path: string): string | null => files.get(path) ?? null;
  const carryOut = (steps: readonly ServiceStep[]): readonly ServiceStep[] => {
    for (const step of steps) {
      if (step.do === 'write') files.set(step.path, step.text);
      if (step.do === 'remove') files.delete(step.path);
      if (step.do === 'run' && step.argv.join(' ') === 'crontab -') state.crontab = step.input ?? '';
      if (step.do === 'run' && step.argv.join(' ') === 'crontab -r') state.crontab = '';
    }
    return steps;
  };
  return {
    files,
    state,
    install: (one: Service) => carryOut(manager.install(one, read)),
    remove: (app: string, scope: Scope) => carryOut(manager.remove(app, scope, read)),
    tell: (scope: Scope) =>
      manager.tell('web', scope, (scope === 'user' ? state.crontab : read('/etc/cron.d/tutti-web')) ?? ''),
  };
}

test('one line in the crontab of a user, once; every other line stays as it was, to the byte', () => {
  const before = 'MAILTO=me\n\n# m h dom mon dow\n0 4 * * * backup 50\\%\n';
  const at = machine(before);
  at.install(service());
  at.install(service({ app: 'mail' }));
  const written = at.state.crontab ?? '';
  assert.ok(written.startsWith(before));
  assert.equal(written.match(/^@reboot .* # tutti-service:web$/gm)?.length, 1);
  assert.equal(at.tell('user').state, 'installed');
  assert.ok(!at.install(service()).some((step) => step.do === 'run' && step.argv[0] === 'crontab'));
  at.remove('mail', 'user');
  at.remove('web', 'user');
  assert.equal(at.state.crontab, before);
  assert.deepEqual(at.remove('web', 'user'), []);
  assert.equal(at.tell('user').state, 'absent');
});

test('a crontab that held nothing else is taken away', () => {
  const at = machine('');
  at.install(service());
  assert.doesNotMatch(at.state.crontab ?? '', /^\n/);
  const steps = at.remove('web', 'user');
  assert.deepEqual(steps.at(-1)?.do === 'run' && steps.at(-1), {
    ...{ do: 'run', argv: ['crontab', '-r'] },
    why: 'it does not start with the machine any more; other lines stay as they are',
  });
});

test('the line starts the app by name, within what cron takes, without secrets, and a percent sign means itself', () => {
  const at = machine('');
  const [start] = at.install(service());
  const line = at.state.crontab ?? '';
  assert.match(line, /TUTTI_WORKERS='2' '\/usr\/bin\/node' '\/opt\/tutti\/bin\.js' 'start' 'web'/);
  assert.doesNotMatch(`${line} ${start?.do === 'run' && start.shown}`, /x y/);
  assert.doesNotMatch(line, /TOKEN/);
  assert.ok(line.length < 998);
  const percent = machine('');
  percent.install(service({ command: ['/opt/100%/node', '/bin.js', 'run'] }));
  assert.match(percent.state.crontab ?? '', /'\/opt\/100\\%\/node'/);
  // What is typed now is all that was typed, and a shell reads it as it was.
  assert.ok(start?.do === 'run');
  const typed = (start.input ?? '').replace(/^cd '.*?' && \{ /, '{ ').replace("'/usr/bin/node'", 'printf "%s\\n"');
  const words = execFileSync('sh', ['-c', typed], { encoding: 'utf8' }).trimEnd().split('\n');
  assert.deepEqual(words, ['/opt/tutti/bin.js', 'start', '--env', 'TOKEN=x y', "/srv/it's 100%/server.js"]);
});

test('for the machine: a file of cron that names the user, and a state folder for one without a home', () => {
  const at = machine(null);
  const own = service({ scope: 'system', user: 'www', isHomeless: true });
  const steps = at.install(own);
  assert.deepEqual(
    steps.map((step) => (step.do === 'run' ? step.argv[0] : step.path)),
    ['install', 'su', '/etc/cron.d/tutti-web'],
  );
  assert.match(
    at.files.get('/etc/cron.d/tutti-web') ?? '',
    /^@reboot www \(cd \/ .*TUTTI_HOME='\/var\/lib\/tutti-web' /m,
  );
  assert.equal(at.tell('system').facts.user, 'www');
  const ends = at.remove('web', 'system');
  assert.deepEqual(
    ends.map((step) => (step.do === 'run' ? step.argv.slice(0, 4).join(' ') : step.path)),
    ['su -s /bin/sh www', '/etc/cron.d/tutti-web', 'rm -rf /var/lib/tutti-web'],
  );
  assert.equal(at.files.size, 0);
});

test('where there is none, or where it cannot do what is asked, that is said', () => {
  assert.throws(
    () => chooseBootManager({ systemdVersion: null, hasOpenRc: false, configFolder: '/x', cron: null }, 'user'),
    {
      code: 'ERR_NO_BOOT_MANAGER',
    },
  );
  assert.throws(() => machine(null).install(service()), { code: 'ERR_NO_BOOT_MANAGER' });
  assert.throws(() => machine('').install(service({ sockets: ['80'] })), { code: 'ERR_FLAGS_INVALID' });
  assert.throws(() => machine('').install(service({ folder: '/a\nb' })), { code: 'ERR_SERVICE_USER' });
});
