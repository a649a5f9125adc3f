// tutti profile: a CPU profile of a living worker.

import type { CommandFile } from '../../command.ts';

export const profile: CommandFile = {
  name: 'profile',
  group: 'Look',
  summary: 'Record a CPU profile of a worker while it serves, and draw it as a flame graph.',
  examples: [
    ['tutti profile web --slot 2', 'ten seconds, into files here'],
    ['tutti profile web --seconds 60 --out slow', 'slow.cpuprofile for DevTools, slow.html to look at'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one runs')
      .option('--slot <n>', 'the worker in this slot', '0')
      .option('--seconds <n>', 'how long to record', '10')
      .option('--out <file>', 'where to write, without an ending')
      .option('--json', 'print the paths as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const { takeProfile } = await import('../../actions/inspect-app.ts');
    return takeProfile(positionals[0], options, terminal);
  },
};
