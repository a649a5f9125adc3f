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
  action: async ({ positionals, options, terminal }) => {
    const [{ chooseRunning }, { control }, { commonOptions }] = await Promise.all([
      import('../../shared/choose-apps.ts'),
      import('../../shared/control.ts'),
      import('../../shared/common-options.ts'),
    ]);
    const common = commonOptions(options);
    const apps = await chooseRunning(positionals, terminal, 'rollback');
    return control(apps, { verb: 'rollback', body: {}, done: 'rolled back', untilFailure: true, ...common }, terminal);
  },
};
