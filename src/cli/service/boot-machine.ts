// What there is on this machine to bring an app up.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { BootMachine } from '../../deploy/boot-manager.ts';
import type { Terminal } from '../terminal.ts';
import { binPath } from './service-of.ts';

export function bootMachine({ env }: Terminal): BootMachine {
  return {
    systemdVersion: systemdVersion(),
    configFolder: env.XDG_CONFIG_HOME || join(homedir(), '.config'),
    // As OpenRC itself asks whether it has booted the machine.
    hasOpenRc: existsSync('/run/openrc/softlevel'),
    cron: cronFacts(),
  };
}

/** Whether the daemon runs is not asked: it may be started later. */
function cronFacts(): BootMachine['cron'] {
  const crontab = (): string | null => {
    const { error, status, stdout } = spawnSync('crontab', ['-l'], { encoding: 'utf8' });
    // It says "no crontab for …" and ends with 1 where there is none yet.
    return error === undefined ? (status === 0 ? stdout : '') : null;
  };
  const hasFolder = existsSync('/etc/cron.d');
  if (crontab() === null && !hasFolder) return null;
  return { crontab, hasFolder, tutti: [process.execPath, binPath] };
}

/** As sd_booted(3) asks for it. */
function systemdVersion(): number | null {
  if (!existsSync('/run/systemd/system')) return null;
  const { stdout } = spawnSync('systemctl', ['--version'], { encoding: 'utf8' });
  return Number(/^systemd (\d+)/.exec(stdout ?? '')?.[1] ?? Number.NaN) || null;
}
