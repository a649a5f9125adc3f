// tutti events: what happened to an app, and what happens.

import type { CommandFile } from '../../command.ts';

export const events: CommandFile = {
  name: 'events',
  group: 'Look',
  summary: 'Show what happened to an app, and with -f what happens.',
  examples: [
    ['tutti events web', 'the last events'],
    ['tutti events web -f --json', 'one JSON object per line, for as long as it runs'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one runs')
      .option('-f, --follow', 'go on until interrupted')
      .option('--lines <n>', 'how many of the past ones', '30')
      .option('--json', 'print JSON, one object per line');
  },
  action: async ({ positionals, options, terminal }) => {
    const [{ showEvents }, { wholeNumber }] = await Promise.all([
      import('../../actions/show-events.ts'),
      import('../../shared/common-options.ts'),
    ]);
    return showEvents({
      name: positionals[0],
      follow: options.follow === true,
      lines: wholeNumber('--lines', options.lines),
      json: options.json === true,
      terminal,
    });
  },
};
