// tutti flush: empty log files.

import type { CommandFile } from '../../command.ts';

export const flush: CommandFile = {
  name: 'flush',
  group: 'Change',
  summary: 'Empty the log files of apps, and remove what was rotated.',
  examples: [
    ['tutti flush web', 'what its workers wrote is gone; they write on'],
    ['tutti flush all', 'that of every app'],
  ],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps, or all; without: those of the configuration file here, or the only one')
      .option('--json', 'print the result as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const { flushLogs } = await import('../../logs/flush-logs.ts');
    return flushLogs(positionals, options.json === true, terminal);
  },
};
