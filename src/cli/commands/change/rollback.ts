// tutti rollback: see `summary`.

import type { CommandFile } from '../../command.ts';

export const rollback: CommandFile = {
  name: 'rollback',
  group: 'Change',
  summary: 'Go back to the code, configuration and environment before the last reload.',
  examples: [['tutti rollback web', 'undo the last reload']],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps; without: those of the configuration file here, or the only one that runs')
      .option('--timeout <duration>', 'answer with exit code 4 after this time; the work goes on')
      .option('--json', 'print the result as JSON');
  },
  action: async (invocation) => {
    const { changeApps } = await import('../../shared/change-apps.ts');
    return changeApps(invocation, { verb: 'rollback', body: {}, done: 'rolled back' });
  },
};
