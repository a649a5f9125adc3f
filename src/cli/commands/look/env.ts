// tutti env: the environment of a worker.

import type { CommandFile } from '../../command.ts';

export const env: CommandFile = {
  name: 'env',
  group: 'Look',
  summary: 'Show the environment that a worker was started with, secrets included.',
  examples: [
    ['tutti env web', 'of the first worker'],
    ['tutti env web --slot 2 --json', 'as one object, for scripts'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one runs')
      .option('--slot <n>', 'the worker in this slot', '0')
      .option('--json', 'print JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const [{ showEnvironment }, { wholeNumber }] = await Promise.all([
      import('../../actions/show-environment.ts'),
      import('../../shared/common-options.ts'),
    ]);
    return showEnvironment(positionals[0], wholeNumber('--slot', options.slot), options.json === true, terminal);
  },
};
