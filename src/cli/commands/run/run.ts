// tutti run: the supervisor in the foreground, for terminals, containers and service managers.

import type { CommandFile, Invocation } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';

export const run: CommandFile = {
  name: 'run',
  group: 'Run',
  summary: 'Run a program on every core, in the foreground.',
  examples: [
    ['tutti run server.js', 'one worker per core'],
    ['tutti run server.ts -i 2..8', 'two workers, up to eight under load'],
    ['tutti run server.js -- --port 3000', 'arguments of the program itself stand after --'],
    ['tutti run', 'the app of the tutti.config file in this folder'],
  ],
  configure: (command) => {
    command.argument('[entry]', 'the program; without it, the app of the configuration file');
    addAppOptions(command);
  },
  action: async ({ positionals, rest, options, terminal }: Invocation): Promise<number> => {
    const { runForeground } = await import('../../actions/run-foreground.ts');
    return runForeground({ entry: positionals[0], args: rest, options, terminal });
  },
};
