// tutti stack: where a living worker spends its time.

import type { CommandFile } from '../../command.ts';

export const stack: CommandFile = {
  name: 'stack',
  group: 'Look',
  summary: 'Show where a worker spends its time, and the requests it is serving.',
  examples: [['tutti stack web --slot 2', 'watched for one second, while it serves']],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one runs')
      .option('--slot <n>', 'the worker in this slot', '0')
      .option('--seconds <n>', 'how long to watch', '1')
      .option('--json', 'print JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const { showStack } = await import('../../actions/inspect-app.ts');
    return showStack(positionals[0], options, terminal);
  },
};
