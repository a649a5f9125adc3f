// tutti completion: what makes the Tab key know commands, options and apps.

import type { CommandFile } from '../../command.ts';

export const completion: CommandFile = {
  name: 'completion',
  group: 'Set up',
  summary: 'Print a script that lets the shell complete commands, options and names of apps.',
  examples: [
    ['source <(tutti completion bash)', 'for this shell; add the line to ~/.bashrc to keep it'],
    ['tutti completion zsh > ~/.zfunc/_tutti', 'for every new zsh, with ~/.zfunc in fpath'],
    ['tutti completion fish > ~/.config/fish/completions/tutti.fish', 'for every new fish'],
  ],
  configure: (command) => {
    command.argument('<shell>', 'bash, zsh or fish');
  },
  action: async ({ positionals, terminal, program }) => {
    const { writeCompletion } = await import('../../actions/write-completion.ts');
    return writeCompletion(positionals[0] ?? '', terminal, program);
  },
};
