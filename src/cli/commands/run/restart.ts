// tutti restart: stop, then start again – for what a reload cannot change.

import type { CommandFile } from '../../command.ts';

export const restart: CommandFile = {
  name: 'restart',
  group: 'Change',
  summary: 'Stop apps and start them again, with a pause in between. A reload has none.',
  examples: [
    ['tutti restart web', 'also with the environment of this shell and a new version of tutti'],
    ['tutti restart all', 'one after the other'],
  ],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps; without: those of the configuration file here, or the only one that runs')
      .option('--fast', 'do not wait for requests in flight')
      .option('--json', 'print the result as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const { restartApps } = await import('../../restart/restart-apps.ts');
    return restartApps({ names: positionals, fast: options.fast === true, json: options.json === true, terminal });
  },
};
