// tutti stop: drain all workers, end the supervisor.

import type { CommandFile } from '../../command.ts';

export const stop: CommandFile = {
  name: 'stop',
  group: 'Change',
  summary: 'Let all workers finish their requests, then end the app.',
  examples: [
    ['tutti stop web', 'when every request has its answer'],
    ['tutti stop all --fast', 'at once'],
  ],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps; without: those of the configuration file here, or the only one that runs')
      .option('--fast', 'do not wait for requests in flight')
      .option('--timeout <duration>', 'answer with exit code 4 after this time; the work goes on')
      .option('--json', 'print the result as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const [{ stopApps }, { commonOptions }] = await Promise.all([
      import('../../actions/stop-apps.ts'),
      import('../../shared/common-options.ts'),
    ]);
    const common = commonOptions(options);
    return stopApps(positionals, { fast: options.fast === true, ...common }, terminal);
  },
};
