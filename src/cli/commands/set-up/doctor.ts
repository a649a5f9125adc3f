// tutti doctor: whether this machine gives apps what they need.

import type { CommandFile } from '../../command.ts';

export const doctor: CommandFile = {
  name: 'doctor',
  group: 'Set up',
  summary: 'Check what this machine or container gives apps, and how those that run are; say what to change.',
  examples: [
    ['tutti doctor', 'exit code 2 when something will hurt'],
    ['tutti doctor --json', 'for scripts'],
  ],
  configure: (command) => {
    command.option('--json', 'print JSON');
  },
  action: async ({ options, terminal }) => {
    const { runDoctor } = await import('../../doctor/run-doctor.ts');
    return runDoctor(options.json === true, terminal);
  },
};
