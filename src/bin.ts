#!/usr/bin/env node
// The CLI's door: hands the process over as values, runs the program, sets the exit code.

import { runCli } from './cli/program.ts';

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
});
