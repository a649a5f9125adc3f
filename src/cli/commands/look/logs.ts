// tutti logs: what the workers wrote.

import type { CommandFile } from '../../command.ts';

export const logs: CommandFile = {
  name: 'logs',
  group: 'Look',
  summary: 'Show what the workers wrote, and with -f what they write.',
  examples: [
    ['tutti logs web', 'the last lines of all workers, rotated files included'],
    ['tutti logs web -f --slot 2', 'those of one worker, as they come'],
    ['tutti logs web --lines 1000 --json', 'one JSON object per line'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app; may be left out when only one is known')
      .option('-f, --follow', 'go on until interrupted')
      .option('--slot <n>', 'only the worker in this slot')
      .option('--lines <n>', 'how many of the past ones', '30')
      .option('--json', 'print JSON, one object per line');
  },
  action: async ({ positionals, options, terminal }) => {
    const [{ showLogs }, { wholeNumber }] = await Promise.all([
      import('../../actions/show-logs.ts'),
      import('../../shared/common-options.ts'),
    ]);
    return showLogs({
      name: positionals[0],
      follow: options.follow === true,
      slot: options.slot === undefined ? null : wholeNumber('--slot', options.slot),
      lines: wholeNumber('--lines', options.lines),
      json: options.json === true,
      terminal,
    });
  },
};
