// tutti save: which apps a boot is to bring back.

import type { CommandFile } from '../../command.ts';

export const save: CommandFile = {
  name: 'save',
  aliases: ['dump'],
  group: 'Run',
  summary: 'Write down which apps run now, for tutti resurrect after a boot.',
  examples: [
    ['tutti save', 'those that run now, and no others'],
    ['tutti save --force', 'also when none runs: a boot then brings none back'],
  ],
  configure: (command) => {
    command.option('--force', 'save the list even if it is empty').option('--json', 'print the result as JSON');
  },
  action: async ({ options, terminal }) => {
    const { saveApps } = await import('../../saved/save-apps.ts');
    return saveApps({ force: options.force === true, json: options.json === true, terminal });
  },
};
