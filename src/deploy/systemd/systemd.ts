// systemd as the boot manager: what is to be done to install, remove and look at the units of an app. Pure.

import type { BootManager, BootStatus, Scope, ServiceStep } from '../service.ts';
import { bringTo, run } from '../steps.ts';
import { unitFiles, unitName } from './units.ts';

/** In the order in which `systemctl show` is asked for them. */
const properties = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'MainPID',
  'NRestarts',
  'Result',
  'ExecMainCode',
  'ExecMainStatus',
  'StatusText',
  'ActiveEnterTimestamp',
];

export function systemd(version: number, configFolder: string): BootManager {
  const folderOf = (scope: Scope): string =>
    scope === 'system' ? '/etc/systemd/system' : `${configFolder}/systemd/user`;
  const pathsOf = (app: string, scope: Scope): string[] => {
    const base = `${folderOf(scope)}/${unitName(app)}`;
    return [`${base}.service`, `${base}.service.d/253.conf`, `${base}.socket`, `${base}.env`];
  };
  const files: BootManager['files'] = (service) => unitFiles(service, { folder: folderOf(service.scope), version });

  return {
    name: `systemd ${version}`,
    files,
    install(service, read) {
      const { app, scope, sockets } = service;
      const control = systemctl(scope);
      const changes = bringTo(files(service), pathsOf(app, scope), read);
      const units = [`${unitName(app)}.service`, ...(sockets.length > 0 ? [`${unitName(app)}.socket`] : [])];
      return [
        ...(changes.some((step) => step.do === 'remove' && step.path.endsWith('.socket'))
          ? [run([...control, 'disable', '--now', `${unitName(app)}.socket`], 'the ports belong to the app again')]
          : []),
        ...changes,
        ...(changes.length > 0 ? [run([...control, 'daemon-reload'], 'systemd reads the units')] : []),
        ...(scope === 'user'
          ? [
              run(
                ['loginctl', 'enable-linger'],
                'the services of this user start with the machine, not with a login',
                true,
              ),
            ]
          : []),
        run([...control, 'enable', ...units], 'it starts with the machine'),
        run([...control, 'start', ...units.toReversed()], 'it starts now, and is ready when this is over'),
      ];
    },
    remove(app, scope, read) {
      const control = systemctl(scope);
      const present = pathsOf(app, scope).filter((path) => read(path) !== null);
      if (present.length === 0) return [];
      const units = present
        .filter((path) => /\.(service|socket)$/.test(path))
        .map((path) => path.slice(path.lastIndexOf('/') + 1))
        .toSorted((a, b) => b.localeCompare(a));
      const hasState = present.some((path) => read(path)?.includes('\nStateDirectory='));
      const dropIn = present.find((path) => path.endsWith('.conf'));
      return [
        ...(units.length > 0
          ? [
              run(
                [...control, 'disable', '--now', ...units],
                'it stops gracefully, and does not start with the machine',
              ),
            ]
          : []),
        ...(hasState
          ? [run([...control, 'clean', '--what=state', `${unitName(app)}.service`], 'its state folder', true)]
          : []),
        ...present.map((path): ServiceStep => ({ do: 'remove', path, why: 'was written by the installation' })),
        ...(dropIn === undefined
          ? []
          : [
              {
                do: 'remove',
                path: dropIn.slice(0, dropIn.lastIndexOf('/')),
                why: 'is empty now',
                mayFail: true,
              } as const,
            ]),
        run([...control, 'daemon-reload'], 'systemd forgets the units'),
        ...(units.length > 0 ? [run([...control, 'reset-failed', ...units], 'and how they ended', true)] : []),
      ];
    },
    ask: (app, scope) => [
      ...systemctl(scope),
      'show',
      `--property=${properties.join(',')}`,
      `${unitName(app)}.service`,
    ],
    tell: (app, scope, output) => statusOf(app, scope, output),
  };
}

function systemctl(scope: Scope): string[] {
  return scope === 'system' ? ['systemctl'] : ['systemctl', '--user'];
}

function statusOf(app: string, scope: Scope, output: string): BootStatus {
  const shown = new Map(output.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
  const of = (name: string): string => shown.get(name) ?? '';
  const unit = `${unitName(app)}.service`;
  const control = systemctl(scope).join(' ');
  const log = scope === 'system' ? `journalctl -u ${unit}` : `journalctl --user -u ${unit}`;
  const pid = Number(of('MainPID')) || null;
  const isEnabled = of('UnitFileState') === 'enabled';
  const lastExit = exitOf(of('ExecMainCode'), of('ExecMainStatus'));
  const facts = {
    unit,
    active: of('ActiveState'),
    sub: of('SubState'),
    enabled: isEnabled,
    pid,
    restarts: Number(of('NRestarts')) || 0,
    result: of('Result'),
    lastExit,
    status: of('StatusText') || null,
  };
  if (of('LoadState') === 'not-found' || of('LoadState') === '') {
    return { facts, state: 'absent', lines: [`${unit} is not installed.`, 'To install it: tutti service install'] };
  }
  const state = of('ActiveState') === 'failed' ? 'failed' : pid === null ? 'stopped' : 'running';
  return {
    facts,
    state,
    lines: [
      `${unit}: ${of('ActiveState')} (${of('SubState')})${of('ActiveEnterTimestamp') === '' ? '' : `, since ${of('ActiveEnterTimestamp')}`}`,
      ...(facts.status === null ? [] : [`  says: ${facts.status}`]),
      ...(pid === null ? [] : [`  main pid: ${pid}`]),
      `  starts with the machine: ${isEnabled ? 'yes' : 'no'}`,
      `  restarted by systemd: ${facts.restarts} time${facts.restarts === 1 ? '' : 's'}`,
      ...(lastExit === null
        ? []
        : [`  last exit: ${lastExit}${of('Result') === 'success' ? '' : ` (${of('Result')})`}`]),
      state === 'running'
        ? `To reload: ${control} reload ${unit}. Its output: ${log}`
        : `To see why: ${log}. To start it: ${control} start ${unit}`,
    ],
  };
}

/** As wait(2) says it: 1 is an exit, 2 and 3 a signal. */
function exitOf(code: string, status: string): string | null {
  if (code === '1') return `exit code ${status}`;
  return code === '2' || code === '3' ? `signal ${status}` : null;
}
