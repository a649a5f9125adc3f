// tutti run: the supervisor in the foreground, for terminals, containers and service managers.

import { TuttiError } from '../../../errors.ts';
import type { CommandFile, Invocation } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';

/** The file names several apps, and nothing that was typed says which of them. */
function isOpenChoice(error: unknown): boolean {
  const choice = error instanceof TuttiError && error.code === 'ERR_APP_CHOICE' ? error : null;
  return (choice as TuttiError<'ERR_APP_CHOICE'> | null)?.details.asked === null;
}

export const run: CommandFile = {
  name: 'run',
  group: 'Run',
  summary: 'Run a program on every core, in the foreground.',
  examples: [
    ['tutti run server.js', 'one worker per core'],
    ['tutti run server.ts -i 2..8', 'two workers, up to eight under load'],
    ['tutti run server.js -- --port 3000', 'arguments of the program itself stand after --'],
    ['tutti run', 'the apps of the tutti.config file in this folder'],
  ],
  configure: (command) => {
    command.argument('[entry]', 'the program; without it, the apps of the configuration file');
    addAppOptions(command);
  },
  action: async ({ positionals, rest, options, terminal }: Invocation): Promise<number> => {
    const { runForeground } = await import('../../actions/run-foreground.ts');
    const request = { entry: positionals[0], args: rest, options, terminal };
    try {
      return await runForeground(request);
    } catch (error) {
      if (!isOpenChoice(error)) throw error;
      const { runSeveral } = await import('../../several/run-several.ts');
      return runSeveral(request);
    }
  },
};
