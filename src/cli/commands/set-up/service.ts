// tutti service: an app that comes up with the machine.

import type { CommandFile } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';
import { addServiceOptions, forTheUnit } from '../../shared/service-options.ts';

export const service: CommandFile = {
  name: 'service',
  group: 'Set up',
  summary: 'Have an app come up with the machine: install, remove or show its service.',
  examples: [
    [
      'sudo tutti service install server.js --socket 3000',
      'systemd starts it as the user who typed this, and keeps the port',
    ],
    ['tutti service install -c tutti.config.ts --user', 'without root, every app of the file'],
    ['tutti service install server.js --dry-run', 'show every file and command, do nothing'],
    ['tutti service status web', 'how it is, how it ended last, and what to type'],
    ['sudo tutti service remove web', 'stop it and take everything back'],
  ],
  configure: (command) => {
    command
      .argument('<action>', 'install, remove or status')
      .argument('[entry-or-app...]', 'programs, or names of apps; arguments of a program stand after --');
    addServiceOptions(command);
    command.option('--user', 'The service of this user alone, which needs no root.');
    command.option('--dry-run', 'Print what would be written and done, and do nothing.');
    addAppOptions(command, forTheUnit);
  },
  action: async ({ positionals: [action = '', ...words], rest, options, terminal }) => {
    const { manageService } = await import('../../service/manage-service.ts');
    return manageService({ action, words, args: rest, options, terminal });
  },
};
