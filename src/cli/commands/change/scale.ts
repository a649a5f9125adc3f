// tutti scale: more or fewer workers, without losing a request.

import type { CommandFile } from '../../command.ts';

export const scale: CommandFile = {
  name: 'scale',
  group: 'Change',
  summary: 'Change the number of workers.',
  examples: [
    ['tutti scale web 8', 'to eight'],
    ['tutti scale web +2', 'two more'],
    ['tutti scale web -1', 'one fewer, after it has finished its requests'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one runs')
      .argument('[count]', 'a number, or a difference: +2, -1')
      .option('--timeout <duration>', 'answer with exit code 4 after this time; the work goes on')
      .option('--json', 'print the result as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const [{ chooseOne }, { control }, { commonOptions, scaleTarget }] = await Promise.all([
      import('../../shared/choose-apps.ts'),
      import('../../shared/control.ts'),
      import('../../shared/common-options.ts'),
    ]);
    const common = commonOptions(options);
    const { app, body } = scaleTarget(positionals);
    const chosen = await chooseOne(app, terminal, 'scale');
    return control([chosen], { verb: 'scale', body, done: 'scaled', untilFailure: true, ...common }, terminal);
  },
};
