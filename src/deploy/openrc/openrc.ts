// OpenRC as the boot manager: a script in /etc/init.d, run by supervise-daemon, which starts an app that has died again. Pure.

import type { BootFile, BootManager, BootStatus, Service, ServiceStep } from '../service.ts';
import { quote } from '../shell.ts';
import { bringTo, refuseSockets, run } from '../steps.ts';

const RUNLEVEL = 'default';
/** As in the unit for systemd. */
const RESPAWN_SECONDS = 3;

export const openrc: BootManager = {
  name: 'OpenRC',
  files,
  install(service, read) {
    refuseSockets(service, 'OpenRC');
    const name = serviceName(service.app);
    return [
      ...bringTo(files(service), pathsOf(service.app), read),
      run(['rc-update', 'add', name, RUNLEVEL], 'it starts with the machine'),
      run(['rc-service', '--ifstopped', name, 'start'], 'it starts now'),
    ];
  },
  remove(app, _scope, read) {
    const present = pathsOf(app).filter((path) => read(path) !== null);
    if (present.length === 0) return [];
    const name = serviceName(app);
    const state = stateFolder(app);
    const hasState = present.some((path) => read(path)?.includes(`\nexport TUTTI_HOME=${quote(state)}\n`));
    return [
      run(['rc-service', '--ifstarted', name, 'stop'], 'it stops gracefully', true),
      run(['rc-update', 'delete', name, RUNLEVEL], 'it does not start with the machine', true),
      ...present.map((path): ServiceStep => ({ do: 'remove', path, why: 'was written by the installation' })),
      ...(hasState ? [run(['rm', '-rf', state], 'its state folder')] : []),
    ];
  },
  ask: (app) => {
    const name = quote(serviceName(app));
    // What it answers is told by exit codes, and by words for people.
    const script = `[ -e /etc/init.d/${name} ] || { echo absent; exit 0; }; rc-service ${name} status >/dev/null 2>&1; echo "$?"; rc-update show ${RUNLEVEL}`;
    return ['sh', '-c', script];
  },
  tell: (app, _scope, output) => statusOf(app, output),
};

export function serviceName(app: string): string {
  return `tutti-${app}`;
}

function files(service: Service): BootFile[] {
  const [script = '', settings = ''] = pathsOf(service.app);
  const secrets = Object.entries(service.secrets);
  return [
    { path: script, text: initScript(service), mode: 0o755, why: 'how the app is started, reloaded and stopped' },
    ...(secrets.length === 0
      ? []
      : [
          {
            path: settings,
            text: `${secrets.map(([name, value]) => `export ${name}=${quote(value)}`).join('\n')}\n`,
            mode: 0o600,
            why: 'the variables that were named, for nobody else to read',
          },
        ]),
  ];
}

function pathsOf(app: string): string[] {
  return [`/etc/init.d/${serviceName(app)}`, `/etc/conf.d/${serviceName(app)}`];
}

function initScript(service: Service): string {
  const { app, user, group, folder, command, reload, environment, isHomeless, stopMs } = service;
  const [node = '', ...args] = command;
  const state = stateFolder(app);
  const variables = { PWD: folder, ...environment, ...(isHomeless && { TUTTI_HOME: state }) };
  const account = `${user ?? 'root'}${group === null ? '' : `:${group}`}`;
  const log = `/var/log/${serviceName(app)}.log`;
  const reloads = [
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)} `),
    ...reload.map((word) => `${quote(word)} `),
  ].join('');
  const lines: (string | false)[] = [
    '#!/sbin/openrc-run',
    `# tutti runs ${app}. Written by tutti service install; tutti service remove ${app} takes it away.`,
    '',
    `name=${quote(`${app} (tutti)`)}`,
    '# Starts it again when it has ended, for as long as it takes.',
    'supervisor=supervise-daemon',
    `respawn_delay=${RESPAWN_SECONDS}`,
    'respawn_max=0',
    '# These are read by a shell once more.',
    `command=${quote(quote(node))}`,
    `command_args=${quote(args.map(quote).join(' '))}`,
    `command_user=${quote(quote(account))}`,
    `directory=${quote(quote(folder))}`,
    `output_log=${quote(log)}`,
    `error_log=${quote(log)}`,
    '# Workers finish what they have; what is left then is killed.',
    `retry=TERM/${Math.ceil(stopMs / 1000)}/KILL/5`,
    'extra_started_commands=reload',
    'description_reload="Replaces the workers without losing a request; fails when the new code does not start"',
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`),
    '',
    'depend() {',
    // Not what it needs: what a machine has of these, and by which name, differs.
    '\tuse net netmount localmount dns logger',
    '\tafter bootmisc firewall',
    '}',
    '',
    'start_pre() {',
    isHomeless && `\tcheckpath --directory --mode 0700 --owner ${quote(account)} ${quote(state)}`,
    `\tcheckpath --file --mode 0640 --owner ${quote(account)} ${quote(log)}`,
    '}',
    '',
    'reload() {',
    '\tebegin "Reloading $name"',
    `\tsu -s /bin/sh ${quote(user ?? 'root')} -c ${quote(reloads.trim())}`,
    '\teend $? "The old code serves on"',
    '}',
    '',
  ];
  return lines.filter((line) => line !== false).join('\n');
}

function stateFolder(app: string): string {
  return `/var/lib/${serviceName(app)}`;
}

/** As rc-service answers. */
const states: Readonly<Record<string, string>> = {
  0: 'started',
  3: 'stopped',
  4: 'stopping',
  8: 'starting',
  16: 'inactive',
  32: 'crashed',
  64: 'unsupervised',
};

function statusOf(app: string, output: string): BootStatus {
  const name = serviceName(app);
  const [code = 'absent', ...levels] = output.split('\n').map((line) => line.trim());
  if (code === 'absent') {
    return {
      facts: { service: name, enabled: false },
      state: 'absent',
      lines: [`${name} is not installed.`, 'To install it: tutti service install'],
    };
  }
  const isEnabled = levels.some((line) => line.split(/\s/)[0] === name);
  const said = states[code] ?? `status ${code}`;
  const isUp = said === 'started' || said === 'starting';
  return {
    facts: { service: name, enabled: isEnabled, status: said },
    state: isUp ? 'running' : said === 'crashed' || said === 'unsupervised' ? 'failed' : 'stopped',
    lines: [
      `${name}: ${said}`,
      `  starts with the machine: ${isEnabled ? 'yes' : 'no'}`,
      isUp
        ? `To reload: rc-service ${name} reload. Its output: /var/log/${name}.log`
        : `To see why: /var/log/${name}.log. To start it: rc-service ${name} start`,
    ],
  };
}
