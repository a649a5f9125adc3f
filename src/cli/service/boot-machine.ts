// What there is on this machine to bring an app up.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { BootMachine } from '../../deploy/boot-manager.ts';
import type { Terminal } from '../terminal.ts';

export function bootMachine({ env }: Terminal): BootMachine {
  return { systemdVersion: systemdVersion(), configFolder: env.XDG_CONFIG_HOME || join(homedir(), '.config') };
}

/** As sd_booted(3) asks for it. */
function systemdVersion(): number | null {
  if (!existsSync('/run/systemd/system')) return null;
  const { stdout } = spawnSync('systemctl', ['--version'], { encoding: 'utf8' });
  return Number(/^systemd (\d+)/.exec(stdout ?? '')?.[1] ?? Number.NaN) || null;
}
