// The texts of the units for one app. Pure. docs/systemd.md says what each setting is for, and what was left out.

import type { BootFile, Service } from '../service.ts';
import { assignment, commandLine, literal, word } from './quote.ts';

/** From this version on: Type=notify-reload, ReloadSignal=, OpenFile=. */
const NOTIFY_RELOAD_SINCE = 253;

/** From this version on a socket can wait until whatever goes on, such as a soft reboot, is over. */
const DEFER_TRIGGER_SINCE = 258;

/**
 * A service that fails again and again is started anew 20 times a minute at most, for as long as it takes. What exceeds that can only be a
 * client at the socket of a service that ends at once, and is stopped.
 */
const restartSeconds = 3;
const startLimit = { seconds: 60, starts: 25 };

/** Workers serve on while the primary hangs, so there is time to be sure. */
const watchdogSeconds = 60;

export interface UnitPlace {
  /** Where units of this scope lie. */
  folder: string;
  version: number;
}

export function unitName(app: string): string {
  return `tutti-${app}`;
}

export function unitFiles(service: Service, { folder, version }: UnitPlace): BootFile[] {
  const base = `${folder}/${unitName(service.app)}`;
  const environment = `${base}.env`;
  const hasSecrets = Object.keys(service.secrets).length > 0;
  return [
    {
      path: `${base}.service`,
      text: serviceUnit(service, hasSecrets ? environment : null),
      mode: 0o644,
      why: 'how the app is started, reloaded, watched and stopped',
    },
    ...(version < NOTIFY_RELOAD_SINCE
      ? []
      : [
          {
            path: `${base}.service.d/253.conf`,
            text: dropIn(service),
            mode: 0o644,
            why: `what systemd can do from version ${NOTIFY_RELOAD_SINCE} on`,
          },
        ]),
    ...(service.sockets.length === 0
      ? []
      : [
          {
            path: `${base}.socket`,
            text: socketUnit(service, version),
            mode: 0o644,
            why: 'the ports, which stay open while the app does not run',
          },
        ]),
    ...(hasSecrets
      ? [
          {
            path: environment,
            text: environmentFile(service),
            mode: 0o600,
            why: 'the variables that were named, for nobody else to read',
          },
        ]
      : []),
  ];
}

function serviceUnit(service: Service, environmentPath: string | null): string {
  const { app, scope, folder, sockets } = service;
  const isSystem = scope === 'system';
  return unit([
    [
      '[Unit]',
      `Description=${literal(app)} (tutti)`,
      isSystem && 'Wants=network-online.target',
      isSystem && 'After=network-online.target',
      sockets.length > 0 && `Requires=${unitName(app)}.socket`,
      sockets.length > 0 && `After=${unitName(app)}.socket`,
      '# An app that cannot start is tried again for as long as it takes; only a storm is stopped.',
      `StartLimitIntervalSec=${startLimit.seconds}`,
      `StartLimitBurst=${startLimit.starts}`,
    ],
    [
      '[Service]',
      '# Started when every worker is ready. NotifyAccess=all, because systemd-notify, a process of its own, tells it.',
      'Type=notify',
      'NotifyAccess=all',
      isSystem && service.user !== null && `User=${service.user}`,
      isSystem && service.group !== null && `Group=${service.group}`,
      `WorkingDirectory=${literal(folder)}`,
      '# The folder with its symbolic links, so that a reload finds the release of that day.',
      `Environment=${word(`PWD=${folder}`)}`,
      ...Object.entries(service.environment).map(([name, value]) => `Environment=${word(`${name}=${value}`)}`),
      environmentPath !== null && `EnvironmentFile=${literal(environmentPath)}`,
      `ExecStart=${commandLine(service.command)}`,
      '# Waits for the end of the reload and fails when it failed; then the old code serves on.',
      `ExecReload=${commandLine(service.reload)}`,
      `TimeoutStartSec=${seconds(service.startMs)}`,
    ],
    [
      '# Only the primary is told to stop; it lets the workers finish. What is left after TimeoutStopSec= is killed.',
      'KillMode=mixed',
      `TimeoutStopSec=${seconds(service.stopMs)}`,
    ],
    [
      '# A mistake in the command line (64), the rights (77) or the configuration (78) is not cured by a restart.',
      'Restart=on-failure',
      `RestartSec=${restartSeconds}`,
      'RestartPreventExitStatus=64 77 78',
      '# A primary whose main loop stands still is killed and started again.',
      `WatchdogSec=${watchdogSeconds}`,
      '# One worker that the kernel kills for its memory is replaced by tutti; the others serve on.',
      'OOMPolicy=continue',
      isSystem && 'LimitNOFILE=524288',
    ],
    isSystem ? hardening(service) : userHardening,
    ['[Install]', `WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}`],
  ]);
}

/** Only what no ordinary server needs: no PrivateTmp=, behind which a database's socket in /tmp would disappear. */
function hardening({ app, user, isHomeless, writes }: Service): (string | false)[] {
  const readOnly = writes.filter((folder) => /^\/(usr|etc|boot|efi)(\/|$)/.test(folder));
  return [
    '# What no ordinary server needs.',
    'NoNewPrivileges=yes',
    'ProtectSystem=full',
    ...readOnly.map((folder) => `ReadWritePaths=${word(folder)}`),
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
    user !== null && user !== 'root' && 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE',
    isHomeless && '# Its user has no home where tutti could keep its control socket.',
    isHomeless && `StateDirectory=${unitName(app)}`,
    isHomeless && 'StateDirectoryMode=0700',
    isHomeless && `Environment=TUTTI_HOME=%S/${unitName(app)}`,
  ];
}

/** More would need rights that a user's systemd does not have. */
const userHardening = [
  '# What no ordinary server needs.',
  'NoNewPrivileges=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'SystemCallArchitectures=native',
];

function dropIn({ scope }: Service): string {
  const isSystem = scope === 'system';
  return unit([
    [
      '[Service]',
      '# systemctl reload waits until the service says that it is ready again. The reload itself is still ExecReload=, which can fail: the',
      '# signal that systemd sends beside it must mean nothing.',
      'Type=notify-reload',
      'ReloadSignal=SIGCONT',
      // It knows no specifiers, so the socket of a user's systemd cannot be named.
      isSystem && '# The primary tells systemd itself, without a process for each message.',
      isSystem && 'OpenFile=/run/systemd/notify:tutti-notify:graceful',
    ],
  ]);
}

function socketUnit({ app, sockets, scope, user, group }: Service, version: number): string {
  const isUnix = sockets.some((socket) => socket.startsWith('/'));
  return unit([
    [
      '[Unit]',
      `Description=Ports of ${literal(app)} (tutti)`,
      '# Open from early in the boot until the end, a soft reboot included.',
      'DefaultDependencies=no',
    ],
    [
      '[Socket]',
      ...sockets.map((socket) => `ListenStream=${literal(socket)}`),
      '# An address that the machine does not have yet.',
      'FreeBind=yes',
      version >= DEFER_TRIGGER_SINCE && '# A client that knocks in a soft reboot waits for its end.',
      version >= DEFER_TRIGGER_SINCE && 'DeferTrigger=patient',
      version >= DEFER_TRIGGER_SINCE && 'DeferTriggerMaxSec=infinity',
      isUnix && scope === 'system' && user !== null && `SocketUser=${user}`,
      isUnix && scope === 'system' && group !== null && `SocketGroup=${group}`,
      isUnix && 'RemoveOnStop=yes',
    ],
    ['[Install]', 'WantedBy=sockets.target'],
  ]);
}

function environmentFile({ secrets }: Service): string {
  return `${Object.entries(secrets)
    .map(([name, value]) => assignment(name, value))
    .join('\n')}\n`;
}

function unit(sections: readonly (readonly (string | false)[])[]): string {
  return `${sections.map((lines) => lines.filter((line) => line !== false).join('\n')).join('\n\n')}\n`;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
