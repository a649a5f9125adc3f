#!/usr/bin/env node
// The CLI's door: hands the process over as values, runs the program, sets the exit code.

import { rememberCompiled } from './cli/compiled.ts';

rememberCompiled(process.env);
// Only now, so that they come from there.
void Promise.all([import('./cli/program.ts'), import('./cli/terminal.ts')])
  .then(([{ runCli }, { terminalOf }]) => runCli(terminalOf(process)))
  .then((exitCode) => {
    process.exitCode = exitCode;
  });
// For what Node itself writes there, such as warnings. In the next turn, because opening them takes a while that the workers can start in.
setImmediate(() => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
});
