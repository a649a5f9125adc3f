// The options that `tutti service install` and `tutti export systemd` share, beside those of the app.

import type { Command } from 'commander';

/** Options of an app that are the unit's own matter here. */
export const forTheUnit: readonly string[] = ['user', 'group'];

export function addServiceOptions(command: Command): void {
  const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];
  command
    .option(
      '--socket <address>',
      'A port (3000, 127.0.0.1:3000) or unix socket (/run/web.sock) that stays open while the app does not run. May be repeated.',
      collect,
    )
    .option('--run-as <user[:group]>', 'Who runs the app (default: the user who typed this, through sudo or not)');
}

/** What was typed for the app: --user is the service's own word here. */
export function withoutUnitOptions(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !forTheUnit.includes(name)));
}
