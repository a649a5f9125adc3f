#!/usr/bin/env node
// The CLI's door: hands the process over as values, runs the program, sets the exit code.

import { runCli } from './cli/program.ts';
import { terminalOf } from './cli/terminal.ts';

// Without a listener, a reader that goes away (tutti run | head) or a terminal that is closed would end the supervisor.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

void runCli(terminalOf(process)).then((exitCode) => {
  process.exitCode = exitCode;
});
