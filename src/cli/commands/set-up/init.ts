// tutti init: a first configuration file.

import type { CommandFile } from '../../command.ts';

export const init: CommandFile = {
  name: 'init',
  group: 'Set up',
  summary:
    'Write a tutti.config.ts for the program of this folder, with a comment for each option that most apps want.',
  examples: [
    ['tutti init', 'finds the program by package.json, or by its usual names'],
    ['tutti init dist/server.js', 'for this one'],
    ['tutti init --stdout', 'look first, write nothing'],
  ],
  configure: (command) => {
    command
      .argument('[entry]', 'the program (default: that of the start script, `main`, or server.js and the like)')
      .option('--out <file>', 'where to write (default: tutti.config.ts)')
      .option('--stdout', 'print it instead');
  },
  action: async ({ positionals: [entry], options, terminal }) => {
    const { writeFirstConfig } = await import('../../actions/write-first-config.ts');
    return writeFirstConfig({ entry, out: options.out, toStdout: options.stdout === true, terminal });
  },
};
