// tutti import: a configuration made from that of another process manager.

import type { CommandFile } from '../../command.ts';

export const importFrom: CommandFile = {
  name: 'import',
  group: 'Set up',
  summary: 'Write a tutti.config file from the ecosystem file of PM2, and list what it could not carry over.',
  examples: [
    ['tutti import pm2', 'the ecosystem file of this folder'],
    ['tutti import pm2 apps.json --stdout', 'look first, write nothing'],
    ['tutti start ecosystem.config.js', 'or start from it as it is'],
  ],
  configure: (command) => {
    command
      .argument('<from>', 'pm2')
      .argument('[file]', 'the ecosystem file (default: ecosystem.config.js, .cjs, .mjs, .json or .yml)')
      .option('--out <file>', 'where to write (default: tutti.config.ts beside the ecosystem file)')
      .option('--stdout', 'print it instead')
      .option('--force', 'overwrite a file that is there')
      .option('--json', 'print the result as JSON');
  },
  action: async ({ positionals: [from = '', file], options, terminal }) => {
    const { importPm2File } = await import('../../actions/import-pm2.ts');
    return importPm2File({
      from,
      file: file ?? null,
      out: typeof options.out === 'string' ? options.out : null,
      toStdout: options.stdout === true,
      force: options.force === true,
      json: options.json === true,
      terminal,
    });
  },
};
