// tutti export: files for what runs around an app, made from its configuration.

import type { CommandFile } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';
import { addServiceOptions, forTheUnit } from '../../shared/service-options.ts';

export const exportTo: CommandFile = {
  name: 'export',
  group: 'Set up',
  summary: 'Print the units that systemd needs to run an app, as tutti service install would write them.',
  examples: [
    ['tutti export systemd server.js --socket 3000 --run-as www-data', 'for this machine or another one'],
    ['tutti export systemd --user', 'every app of the tutti.config file of this folder, for one user'],
  ],
  configure: (command) => {
    command
      .argument('<to>', 'systemd')
      .argument('[entry-or-app...]', 'programs, or names of apps; arguments of a program stand after --');
    addServiceOptions(command);
    command.option('--user', 'For the systemd of one user.');
    addAppOptions(command, forTheUnit);
  },
  action: async ({ positionals: [to = '', ...words], rest, options, terminal }) => {
    const { exportUnits } = await import('../../service/export-units.ts');
    return exportUnits({ to, words, args: rest, options, terminal });
  },
};
