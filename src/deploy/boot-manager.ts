// The choice among what can bring an app up with the machine. It is made here, and nowhere else.

import { TuttiError } from '../errors.ts';
import { type CronFacts, cron } from './cron/cron.ts';
import { openrc } from './openrc/openrc.ts';
import type { BootManager, Scope } from './service.ts';
import { systemd } from './systemd/systemd.ts';

/** What there is on this machine to bring an app up. */
export interface BootMachine {
  /** Null where systemd is not process 1. */
  systemdVersion: number | null;
  /** Where units of one user lie: ~/.config. */
  configFolder: string;
  /** OpenRC has booted the machine. */
  hasOpenRc: boolean;
  /** Null where there is nothing of cron. */
  cron: CronFacts | null;
}

/** OpenRC has no services of one user as a rule; for these there is cron. */
export function chooseBootManager(machine: BootMachine, scope: Scope): BootManager {
  const { systemdVersion, configFolder, hasOpenRc } = machine;
  if (systemdVersion !== null) return systemd(systemdVersion, configFolder);
  if (hasOpenRc && scope === 'system') return openrc;
  if (machine.cron !== null) return cron(machine.cron);
  throw new TuttiError('ERR_NO_BOOT_MANAGER', {});
}
