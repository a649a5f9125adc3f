// The choice among what can bring an app up with the machine. It is made here, and nowhere else.

import { TuttiError } from '../errors.ts';
import type { BootManager } from './service.ts';
import { systemd } from './systemd/systemd.ts';

/** What there is on this machine to bring an app up. */
export interface BootMachine {
  /** Null where systemd is not process 1. */
  systemdVersion: number | null;
  /** Where units of one user lie: ~/.config. */
  configFolder: string;
}

export function chooseBootManager(machine: BootMachine): BootManager {
  const { systemdVersion, configFolder } = machine;
  if (systemdVersion !== null) return systemd(systemdVersion, configFolder);
  throw new TuttiError('ERR_NO_BOOT_MANAGER', {});
}
