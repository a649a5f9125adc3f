// tutti delete: stop an app that ran in the background, and forget how it was started.

import type { CommandFile } from '../../command.ts';

export const del: CommandFile = {
  name: 'delete',
  aliases: ['del'],
  group: 'Change',
  summary: 'Stop apps and forget how they were started. Their log files stay.',
  examples: [
    ['tutti delete web', 'it is no longer listed'],
    ['tutti delete all', 'leave nothing behind'],
  ],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps, or all')
      .option('--fast', 'do not wait for requests in flight')
      .option('--json', 'print the result as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const { deleteApps } = await import('../../actions/delete-apps.ts');
    return deleteApps({ names: positionals, fast: options.fast === true, json: options.json === true, terminal });
  },
};
