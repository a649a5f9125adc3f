// tutti reload: see `summary`.

import type { CommandFile } from '../../command.ts';

export const reload: CommandFile = {
  name: 'reload',
  group: 'Change',
  summary: 'Replace all workers with the code and configuration as they are now, losing nothing.',
  examples: [
    ['tutti reload', 'the apps of this folder, or the only one'],
    ['tutti reload web mail', 'one after the other; a failure stops there'],
    ['tutti reload all --timeout 2m --json', 'for scripts'],
  ],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps; without: those of the configuration file here, or the only one that runs')
      .option('--timeout <duration>', 'answer with exit code 4 after this time; the work goes on')
      .option('--json', 'print the result as JSON');
  },
  action: async (invocation) => {
    const { changeApps } = await import('../../shared/change-apps.ts');
    return changeApps(invocation, { verb: 'reload', body: {}, done: 'reloaded' });
  },
};
