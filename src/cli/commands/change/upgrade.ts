// tutti upgrade: see `summary`.

import type { CommandFile } from '../../command.ts';

export const upgrade: CommandFile = {
  name: 'upgrade',
  group: 'Change',
  summary: 'Replace the supervisor itself, and its workers, without closing a port.',
  examples: [
    ['tutti upgrade web', 'after a newer tutti was installed, or a change that a reload cannot apply'],
    ['tutti upgrade web --node /opt/node-26/bin/node', 'run it with another Node.js from now on'],
    ['tutti upgrade all', 'one after the other; a failure stops there'],
  ],
  configure: (command) => {
    command
      .argument('[app...]', 'the apps; without: those of the configuration file here, or the only one that runs')
      .option('--node <path>', 'the Node.js binary that runs the successor')
      .option(
        '--timeout <duration>',
        'give the successor up, and leave all as it is, if it is not ready after this time',
      )
      .option('--json', 'print the result as JSON');
  },
  action: async (invocation) => {
    const [{ changeApps }, { commonOptions, nodeOption }] = await Promise.all([
      import('../../shared/change-apps.ts'),
      import('../../shared/common-options.ts'),
    ]);
    const { options, terminal } = invocation;
    const { timeoutMs } = commonOptions(options);
    const node = nodeOption(options, terminal.cwd);
    const body = { ...(node !== null && { node }), ...(timeoutMs !== null && { timeoutMs }) };
    // The supervisor itself keeps to the time, and leaves all as it was then.
    return changeApps(invocation, { verb: 'upgrade', body, done: 'upgraded', timeoutMs: null });
  },
};
