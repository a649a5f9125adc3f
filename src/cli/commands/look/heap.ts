// tutti heap: a heap snapshot of a living worker.

import type { CommandFile } from '../../command.ts';

export const heap: CommandFile = {
  name: 'heap',
  group: 'Look',
  summary: 'Write a heap snapshot of a worker; it stands still meanwhile.',
  examples: [['tutti heap web --slot 2 --out web.heapsnapshot', 'open it in the Memory tab of DevTools']],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one runs')
      .option('--slot <n>', 'the worker in this slot', '0')
      .option('--out <file>', 'where to write')
      .option('--json', 'print the paths as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const { takeHeap } = await import('../../actions/inspect-app.ts');
    return takeHeap(positionals[0], options, terminal);
  },
};
