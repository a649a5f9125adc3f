// Cron as the boot manager, where there is no systemd: one @reboot line, in a file of its own for the machine and in the crontab of a user.
// It starts the app in the background; what happens after that is the app's own business. Pure.

import { TuttiError } from '../../errors.ts';
import type { BootFile, BootManager, BootStatus, Scope, Service, ServiceStep } from '../service.ts';
import { quote } from '../shell.ts';
import { refuseSockets } from '../steps.ts';

export interface CronFacts {
  /** What `crontab -l` says; null where there is no such command. */
  crontab(): string | null;
  /** Whether cron reads /etc/cron.d. */
  hasFolder: boolean;
  /** Node.js and tutti. */
  tutti: readonly string[];
}

/** A boot may be quicker than the network or a database. */
const TRIES = 6;
const PAUSE_SECONDS = 10;

export function cron({ crontab, hasFolder, tutti }: CronFacts): BootManager {
  const lines = (): string[] => (crontab() ?? '').replace(/\n$/, '').split('\n');
  const others = (app: string): string[] => lines().filter((line) => !line.endsWith(markOf(app)));

  const mayUse = (scope: Scope): void => {
    if (scope === 'system' ? hasFolder : crontab() !== null) return;
    throw new TuttiError('ERR_NO_BOOT_MANAGER', {});
  };

  const ownFile = (service: Service): BootFile => ({
    path: pathOf(service.app),
    text: [
      `# tutti runs ${service.app} when the machine has started. Written by tutti service install; tutti service remove ${service.app} takes it away.`,
      'SHELL=/bin/sh',
      rebootLine(service, `${service.user ?? 'root'} `),
      '',
    ].join('\n'),
    mode: 0o600,
    why: 'the line by which cron starts the app with the machine',
  });

  return {
    name: 'cron',
    takesRunning: true,
    files(service) {
      return service.scope === 'system' ? [ownFile(service)] : [];
    },
    install(service, read) {
      const { app, scope, user } = service;
      mayUse(scope);
      refuseSockets(service, 'cron');
      if (scope === 'user') {
        const line = rebootLine(service, '');
        const wanted = [...others(app).filter((one, _, all) => one !== '' || all.length > 1), line];
        return [
          startStep(['sh'], service),
          ...(lines().includes(line)
            ? []
            : [writeCrontab(wanted, 'cron starts the app with the machine; other lines stay as they are')]),
        ];
      }
      const file = ownFile(service);
      const state = stateFolder(service);
      const make = ['install', '-d', '-m', '0700', '-o', user ?? 'root', state ?? ''];
      return [
        ...(state === null
          ? []
          : [{ do: 'run', argv: make, why: 'the state folder of a user without a home' } as const]),
        startStep(['su', '-s', '/bin/sh', user ?? 'root'], service),
        ...(read(file.path) === file.text ? [] : [{ do: 'write', ...file } as const]),
      ];
    },
    remove(app, scope, read) {
      const end = [...tutti, 'delete', app];
      if (scope === 'user') {
        if (others(app).length === lines().length) return [];
        return [
          { do: 'run', argv: end, why: 'it stops gracefully, and is forgotten', mayFail: true },
          writeCrontab(others(app), 'it does not start with the machine any more; other lines stay as they are'),
        ];
      }
      const path = pathOf(app);
      const text = read(path);
      if (text === null) return [];
      const [, user = 'root'] = /^@reboot (\S+) /m.exec(text) ?? [];
      const [assignment = ''] = /TUTTI_HOME='[^']*' /.exec(text) ?? [];
      const state = `/var/lib/tutti-${app}`;
      return [
        {
          ...{ do: 'run', argv: asUser(user, `${assignment}${shell(end)}`), mayFail: true },
          why: 'it stops gracefully, and is forgotten',
        },
        { do: 'remove', path, why: 'it does not start with the machine any more' },
        ...(assignment.includes(`'${state}'`)
          ? [{ do: 'run', argv: ['rm', '-rf', state], why: 'its state folder' } as const]
          : []),
      ];
    },
    ask: (app, scope) => [
      ...['sh', '-c'],
      scope === 'system' ? `cat ${quote(pathOf(app))} 2>/dev/null; true` : 'crontab -l 2>/dev/null; true',
    ],
    tell: (app, scope, output) => statusOf(app, scope, output),
  };
}

function pathOf(app: string): string {
  // Cron passes over names with a dot.
  return `/etc/cron.d/tutti-${app.replaceAll('.', '_')}`;
}

function markOf(app: string): string {
  return ` # tutti-service:${app}`;
}

function statusOf(app: string, scope: Scope, output: string): BootStatus {
  const line = output.split('\n').find((one) => one.endsWith(markOf(app)));
  const user = scope === 'system' ? (/^@reboot (\S+) /.exec(line ?? '')?.[1] ?? null) : null;
  if (line === undefined) {
    return {
      facts: { enabled: false },
      state: 'absent',
      lines: [`${app}: cron does not start it.`, 'To have it do so: tutti service install'],
    };
  }
  return {
    facts: { enabled: true, user },
    state: 'installed',
    lines: [
      `${app}: cron starts it with the machine${user === null ? '' : `, as user ${user}`}.`,
      `  To see how it runs: ${user === null ? '' : `sudo -u ${user} `}tutti status ${app}`,
    ],
  };
}

function writeCrontab(lines: readonly string[], why: string): ServiceStep {
  if (lines.join('') === '') return { do: 'run', argv: ['crontab', '-r'], why };
  return { do: 'run', argv: ['crontab', '-'], input: `${lines.join('\n')}\n`, why };
}

/** By its name: how it is started, the record of its first start knows. In a crontab a percent sign would end the command. */
function rebootLine(service: Service, user: string): string {
  const [node = '', bin = ''] = service.command;
  const start = `${assignments(service)}${shell([node, bin, 'start', service.app])}`;
  const again = `cd / && n=0; until ${start} || [ $? -eq 6 ] || [ $n -eq ${TRIES} ]; do n=$((n+1)); sleep ${PAUSE_SECONDS}; done`;
  return `@reboot ${user}(${again.replaceAll('%', '\\%')}) >/dev/null 2>&1${markOf(service.app)}`;
}

/** The shell is told on its stdin: what it is told may hold a secret. */
function startStep(argv: readonly string[], service: Service): ServiceStep {
  const secrets = Object.fromEntries(Object.keys(service.secrets).map((name) => [name, '…']));
  return {
    ...{ do: 'run', argv, input: `${startNow(service)}\n` },
    shown: `${argv.join(' ')}: ${startNow({ ...service, secrets })}`,
    why: 'it starts now, which is remembered for every boot',
  };
}

/** In the folder where it was typed, and with all that was typed; 6: it runs already. */
function startNow(service: Service): string {
  const { folder, command, secrets } = service;
  const [node = '', bin = '', , ...rest] = command;
  const given = Object.entries(secrets).filter(([name]) => !isOption(name));
  const env = given.flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const start = shell([node, bin, 'start', ...env, ...rest]);
  return `cd ${quote(folder)} && { ${assignments(service)}${start} || [ $? -eq 6 ]; }`;
}

/** What the options' variables said when it was typed holds at each boot. */
function assignments(service: Service): string {
  const { environment, secrets } = service;
  const state = stateFolder(service);
  const options = Object.fromEntries(Object.entries(secrets).filter(([name]) => isOption(name)));
  const all = { ...environment, ...options, ...(state !== null && { TUTTI_HOME: state }) };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${quote(value)} `)
    .join('');
}

function isOption(variable: string): boolean {
  return variable.startsWith('TUTTI_');
}

function stateFolder({ app, isHomeless }: Service): string | null {
  return isHomeless ? `/var/lib/tutti-${app}` : null;
}

function asUser(user: string, command: string): string[] {
  return ['su', '-s', '/bin/sh', user, '-c', command];
}

function shell(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}
