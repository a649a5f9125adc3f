// tutti describe: what went wrong with an app, and why.

import type { CommandFile } from '../../command.ts';

export const describe: CommandFile = {
  name: 'describe',
  group: 'Look',
  summary: 'Show an app and why workers of it ended badly: stacks, requests in flight, last lines.',
  examples: [
    ['tutti describe web', 'its workers, and its incidents, newest first'],
    ['tutti describe web --incident 20260102T030405678Z-0-1', 'one of them, whole'],
  ],
  configure: (command) => {
    command
      .argument('[app]', 'the app, running or not; may be left out when only one is known')
      .option('--incident <id>', 'this one, whole; `last` for the newest')
      .option('--json', 'print JSON');
  },
  action: async ({ positionals, options, terminal }) => {
    const { showIncidents } = await import('../../actions/show-incidents.ts');
    return showIncidents({
      name: positionals[0],
      id: typeof options.incident === 'string' ? options.incident : null,
      json: options.json === true,
      terminal,
    });
  },
};
