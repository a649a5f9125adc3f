// tutti check: what would run, with every option's value and the place it came from. Starts nothing.

import type { CommandFile, Invocation } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';

export const check: CommandFile = {
  name: 'check',
  group: 'Set up',
  summary: 'Check the configuration without starting anything, and show where each value comes from.',
  examples: [
    ['tutti check', 'the tutti.config file of this folder, every app of it'],
    ['tutti check server.ts -i 2..8 --json', 'a program with options, for scripts'],
  ],
  configure: (command) => {
    command.argument('[entry]', 'the program, or a configuration file');
    addAppOptions(command);
    command.option('--values', 'Print the values of variables and arguments too; they may be secret.');
  },
  action: async ({ positionals, rest, options, terminal }: Invocation): Promise<number> => {
    const { checkApps } = await import('../../actions/check-apps.ts');
    return checkApps({ entry: positionals[0], args: rest, options, terminal });
  },
};
