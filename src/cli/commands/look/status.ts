// tutti status: what runs, on one screen.

import type { CommandFile } from '../../command.ts';

export const status: CommandFile = {
  name: 'status',
  aliases: ['ls', 'list'],
  group: 'Look',
  summary: 'Show all apps, or one in detail.',
  examples: [
    ['tutti status', 'every app of this user'],
    ['tutti status web', 'its workers, one by one'],
    ['tutti status web --json', 'everything, for scripts'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app to show in detail')
      .option('--json', 'print JSON')
      .option('--pretty', 'with --json: indented');
  },
  action: async ({ positionals, options, terminal }) => {
    const { showStatus } = await import('../../actions/show-status.ts');
    return showStatus({
      name: positionals[0],
      json: options.json === true || options.pretty === true,
      indent: options.pretty === true ? 2 : 0,
      terminal,
    });
  },
};
