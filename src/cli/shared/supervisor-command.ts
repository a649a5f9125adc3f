// How the supervisor of an app is started in the background: by `tutti start`, and by a worker of it when it was killed.

import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { SupervisorCommand } from '../../app/launch-options.ts';
import { appPaths } from '../../files/state-folder.ts';
import type { LaunchRecord } from './launch-record.ts';

/** Throws a TuttiError where there is no state folder to use. */
export function supervisorCommand(
  record: LaunchRecord,
  env: Readonly<Record<string, string | undefined>>,
): SupervisorCommand {
  const { out, err } = appPaths(env, record.name);
  // The name and the entry are for people who look at the list of processes.
  const args = [program, record.name, ...(record.entry === null ? [] : [record.entry])];
  return { node: process.execPath, args, cwd: record.cwd, out, err, record };
}

const program = fileURLToPath(new URL('../background.js', import.meta.url));
