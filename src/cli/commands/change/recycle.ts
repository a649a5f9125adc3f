// tutti recycle: new processes for old ones, with the code that runs.

import type { CommandFile } from '../../command.ts';

export const recycle: CommandFile = {
  name: 'recycle',
  group: 'Change',
  summary: 'Replace workers one after the other, with the code that runs already.',
  examples: [
    ['tutti recycle web', 'every worker'],
    ['tutti recycle web --slot 2', 'one that behaves oddly'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one runs')
      .option('--slot <n>', 'only the worker in this slot')
      .option('--timeout <duration>', 'answer with exit code 4 after this time; the work goes on')
      .option('--json', 'print the result as JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const [{ chooseOne }, { control }, { commonOptions, slotOption }] = await Promise.all([
      import('../../shared/choose-apps.ts'),
      import('../../shared/control.ts'),
      import('../../shared/common-options.ts'),
    ]);
    const common = commonOptions(options);
    const slot = slotOption(options);
    const chosen = await chooseOne(positionals[0], terminal, 'recycle');
    const body = slot === null ? {} : { slot };
    return control([chosen], { verb: 'recycle', body, done: 'recycled', untilFailure: true, ...common }, terminal);
  },
};
