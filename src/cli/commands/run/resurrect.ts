// tutti resurrect: start what was saved.

import type { CommandFile } from '../../command.ts';

export const resurrect: CommandFile = {
  name: 'resurrect',
  group: 'Run',
  summary: 'Start the apps that tutti save wrote down, if they do not run.',
  examples: [['tutti resurrect', 'one after the other; one that fails does not keep the others from starting']],
  configure: (command) => {
    command.option('--json', 'print the result as JSON');
  },
  action: async ({ options, terminal }) => {
    const { resurrectApps } = await import('../../saved/start-several.ts');
    return resurrectApps(options.json === true, terminal);
  },
};
