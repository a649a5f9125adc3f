#!/usr/bin/env node
// The CLI's door: hands the process over as values, runs the program, sets the exit code.

import { rememberCompiled } from './cli/compiled.ts';

// Without a listener, a reader that goes away (tutti run | head) or a terminal that is closed would end the supervisor.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

rememberCompiled(process.env);
// Only now, so that they come from there.
void Promise.all([import('./cli/program.ts'), import('./cli/terminal.ts')])
  .then(([{ runCli }, { terminalOf }]) => runCli(terminalOf(process)))
  .then((exitCode) => {
    process.exitCode = exitCode;
  });
