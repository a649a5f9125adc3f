// tutti start: the same as run, in the background.

import type { CommandFile } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';

export const start: CommandFile = {
  name: 'start',
  group: 'Run',
  summary: 'Run programs in the background, until they are stopped.',
  examples: [
    ['tutti start server.js', 'on every core; the terminal may be closed'],
    ['tutti start', 'every app of the tutti.config file of this folder'],
    ['tutti start web mail', 'two of them, or apps that were started before'],
    ['tutti start --or-reload', 'every app of the file, whether it runs or not; for scripts that deploy'],
    ['tutti start all', 'every app that was started before and does not run'],
  ],
  configure: (command) => {
    command.argument('[entry-or-app...]', 'programs, names of apps, or all; arguments of a program stand after --');
    command.option('--or-reload', 'Reload those that run already.');
    command.option('--or-restart', 'Restart those that run already, as it is typed now.');
    addAppOptions(command);
  },
  action: async ({ positionals, rest, options, terminal }) => {
    const request = { positionals, args: rest, options, terminal };
    if (options.orReload === true || options.orRestart === true) {
      const { startOrChange } = await import('../../restart/start-or-change.ts');
      return startOrChange(options.orReload === true ? 'reload' : 'restart', request);
    }
    if (positionals.includes('all')) {
      const { startEvery } = await import('../../saved/start-several.ts');
      return startEvery(request);
    }
    const { startApps } = await import('../../actions/start-apps.ts');
    return startApps(request);
  },
};
