// The units as texts: each line is a promise to the operator. Where systemd-analyze is installed, systemd itself reads them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Service } from '../../../src/deploy/service.ts';
import { assignment, commandLine, word } from '../../../src/deploy/systemd/quote.ts';
import { unitFiles } from '../../../src/deploy/systemd/units.ts';

const web: Service = {
  app: 'web',
  scope: 'system',
  user: 'deploy',
  group: null,
  command: [process.execPath, '/opt/tutti/bin.js', 'run', '/srv/shop/current/server.js', '--name', 'web'],
  reload: [process.execPath, '/opt/tutti/bin.js', 'reload', 'web'],
  folder: '/srv/shop/current',
  environment: {},
  secrets: {},
  sockets: [],
  writes: ['/srv/shop/current'],
  isHomeless: false,
  startMs: 100_000,
  stopMs: 38_000,
};

const place = { folder: '/etc/systemd/system', version: 257 };

function textOf(service: Service, end: string, version = 257): string {
  const text = unitFiles(service, { ...place, version }).find(({ path }) => path.endsWith(end))?.text;
  assert.ok(text !== undefined, `no file ${end}`);
  return text;
}

/** Settings without sections and comments. */
const settings = (text: string) => text.split('\n').filter((line) => /^[A-Z]\w*=/.test(line));

test('the service is told of as systemd needs it', () => {
  assert.deepEqual(settings(textOf(web, '.service')), [
    'Description=web (tutti)',
    'Wants=network-online.target',
    'After=network-online.target',
    'StartLimitIntervalSec=60',
    'StartLimitBurst=25',
    'Type=notify',
    'NotifyAccess=all',
    'User=deploy',
    'WorkingDirectory=/srv/shop/current',
    'Environment=PWD=/srv/shop/current',
    `ExecStart=${process.execPath} /opt/tutti/bin.js run /srv/shop/current/server.js --name web`,
    `ExecReload=${process.execPath} /opt/tutti/bin.js reload web`,
    'TimeoutStartSec=100',
    'KillMode=mixed',
    'TimeoutStopSec=38',
    'Restart=on-failure',
    'RestartSec=3',
    'RestartPreventExitStatus=64 77 78',
    'WatchdogSec=60',
    'OOMPolicy=continue',
    'LimitNOFILE=524288',
    'NoNewPrivileges=yes',
    'ProtectSystem=full',
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'LockPersonality=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'SystemCallArchitectures=native',
    'CapabilityBoundingSet=CAP_NET_BIND_SERVICE',
    'WantedBy=multi-user.target',
  ]);
});

test('a service that fails by itself is never given up: its restarts stay below the limit', () => {
  const of = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(textOf(web, '.service'))?.[1]);
  assert.ok(of('StartLimitIntervalSec') / of('RestartSec') < of('StartLimitBurst'));
});

test('ports stay open in a unit of their own, which the service needs', () => {
  const withPorts = { ...web, sockets: ['3000', '/run/web.sock'] };
  assert.deepEqual(settings(textOf(withPorts, '.socket')), [
    'Description=Ports of web (tutti)',
    'DefaultDependencies=no',
    'ListenStream=3000',
    'ListenStream=/run/web.sock',
    'FreeBind=yes',
    'SocketUser=deploy',
    'RemoveOnStop=yes',
    'WantedBy=sockets.target',
  ]);
  const since258 = settings(textOf(withPorts, '.socket', 258));
  assert.ok(since258.includes('DeferTrigger=patient') && since258.includes('DeferTriggerMaxSec=infinity'));
  assert.match(textOf(withPorts, '.service'), /^Requires=tutti-web\.socket\nAfter=tutti-web\.socket$/m);
});

test('what systemd can do only since 253 stands in a file that older ones do not get', () => {
  assert.deepEqual(settings(textOf(web, '253.conf')), [
    'Type=notify-reload',
    'ReloadSignal=SIGCONT',
    'OpenFile=/run/systemd/notify:tutti-notify:graceful',
  ]);
  assert.equal(
    unitFiles(web, { ...place, version: 252 }).some(({ path }) => path.endsWith('.conf')),
    false,
  );
});

test('no secret stands in a unit, and only its user reads the file where it does', () => {
  const files = unitFiles({ ...web, secrets: { TOKEN: 's3cret "x" $y \\z' } }, place);
  const [environment, ...units] = files.toReversed();
  assert.equal(environment?.mode, 0o600);
  assert.equal(environment?.text, 'TOKEN="s3cret \\"x\\" \\$y \\\\z"\n');
  assert.equal(
    units.some(({ text }) => text.includes('s3cret')),
    false,
  );
  assert.match(
    textOf({ ...web, secrets: { TOKEN: 'x' } }, '.service'),
    /^EnvironmentFile=\/etc\/systemd\/system\/tutti-web\.env$/m,
  );
});

test('a service of one user asks for nothing that takes root', () => {
  const text = textOf({ ...web, scope: 'user', user: null }, '.service');
  assert.doesNotMatch(text, /^(User|Group|ProtectSystem|PrivateDevices|CapabilityBoundingSet|LimitNOFILE)=/m);
  assert.match(text, /^WantedBy=default\.target$/m);
  assert.deepEqual(settings(textOf({ ...web, scope: 'user', user: null }, '253.conf')), [
    'Type=notify-reload',
    'ReloadSignal=SIGCONT',
  ]);
});

test('a user without a home gets a state folder, and a folder that would be read-only stays writable', () => {
  const text = textOf({ ...web, isHomeless: true, writes: ['/srv/web', '/usr/src/app'] }, '.service');
  assert.match(text, /^StateDirectory=tutti-web$/m);
  assert.match(text, /^Environment=TUTTI_HOME=%S\/tutti-web$/m);
  assert.deepEqual(text.match(/^ReadWritePaths=.*$/gm), ['ReadWritePaths=/usr/src/app']);
});

test('what means something to systemd is made to mean itself', () => {
  assert.equal(
    commandLine(['/bin/x', 'a b', '100%', '$HOME', 'say "hi"', 'back\\slash', '']),
    '/bin/x "a b" 100%% "$$HOME" "say \\"hi\\"" "back\\\\slash" ""',
  );
  assert.equal(word('PWD=/srv/a b'), '"PWD=/srv/a b"');
  assert.equal(assignment('A', 'line 1\nline 2'), 'A="line 1\nline 2"');
});

const analyze = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
const version = Number(/^systemd (\d+)/.exec(analyze.stdout ?? '')?.[1] ?? 0);

test('systemd reads them without a complaint', {
  skip: version === 0 ? 'systemd-analyze is not installed' : false,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'units-'));
  try {
    const service = {
      ...web,
      user: 'root',
      folder: '/',
      command: [process.execPath, 'a b', '50%', '$x'],
      sockets: ['3000', '127.0.0.1:3001', '/run/web.sock'],
      secrets: { TOKEN: 'x' },
    };
    const files = unitFiles(service, { folder, version });
    for (const { path, text } of files) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const units = files.map(({ path }) => path).filter((path) => /\.(service|socket)$/.test(path));
    const answer = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], { encoding: 'utf8' });
    const complaints = answer.stderr.split('\n').filter((line) => line.includes('tutti-web'));
    assert.deepEqual(complaints, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
