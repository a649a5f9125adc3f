// tutti top: an app on a full screen, live.

import type { CommandFile } from '../../command.ts';

export const top: CommandFile = {
  name: 'top',
  aliases: ['monit'],
  group: 'Look',
  summary: 'Watch an app on a full screen: its workers, its load, its events, its log.',
  examples: [['tutti top web', 'keys: r reload, + and - scale, s stop, q leave']],
  configure: (command) => {
    command.argument('[app]', 'the app; may be left out when only one runs');
  },
  action: async ({ positionals, terminal }) => {
    const { runTop } = await import('../../top/run-top.ts');
    return runTop(positionals[0], terminal);
  },
};
