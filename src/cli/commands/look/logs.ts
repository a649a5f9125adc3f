// tutti logs: what the workers wrote.

import type { CommandFile } from '../../command.ts';

export const logs: CommandFile = {
  name: 'logs',
  group: 'Look',
  summary: 'Show what the workers wrote, and with -f what they write.',
  examples: [
    ['tutti logs web', 'the last lines of all workers, rotated files included'],
    ['tutti logs web -f --slot 2', 'those of one worker, as they come'],
    ['tutti logs all -f --err -g timeout', 'of every app, what went to stderr and says so'],
    ['tutti logs web --lines 1000 --json', 'one JSON object per line'],
  ],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps, or all; without: those of the configuration file here, or else all that run')
      .option('-f, --follow', 'go on until interrupted')
      .option('--slot <n>', 'only the worker in this slot')
      .option('--err', 'only stderr')
      .option('--out', 'only stdout')
      .option('-g, --grep <pattern>', 'only lines that match this regular expression')
      .option('--raw', 'nothing but the lines themselves')
      .option('--lines <n>', 'how many of the past ones', '30')
      .option('--json', 'print JSON, one object per line');
  },
  action: async ({ positionals, options, terminal }) => {
    const [{ showLogs }, { wholeNumber }] = await Promise.all([
      import('../../logs/show-logs.ts'),
      import('../../shared/common-options.ts'),
    ]);
    return showLogs({
      names: positionals,
      follow: options.follow === true,
      slot: options.slot === undefined ? null : wholeNumber('--slot', options.slot),
      stream: options.err === options.out ? null : options.err === true ? 'err' : 'out',
      grep: typeof options.grep === 'string' ? options.grep : null,
      raw: options.raw === true,
      lines: wholeNumber('--lines', options.lines),
      json: options.json === true,
      terminal,
    });
  },
};
