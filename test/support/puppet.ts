// An app whose supervisors puppet.cjs signals at the step that a test chooses.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cli } from './cli.ts';
import { eventually } from './eventually.ts';

const puppet = fileURLToPath(new URL('./puppet.cjs', import.meta.url));

export interface Puppet {
  /** As puppet.cjs has it. */
  order(what: string): void;
  /** Waits until the last order is carried out. */
  obeyed(): Promise<unknown>;
}

/** The app is `web`, of test/fixtures/hello.cjs. */
export async function startPuppet(cli: Cli, ...flags: string[]): Promise<Puppet> {
  const file = join(cli.dir, 'order');
  const env = { NODE_OPTIONS: `--require ${puppet}`, TUTTI_TEST_PUPPET: file };
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '--canary-time', '0', ...flags], { env });
  let last = '';
  return {
    order: (what) => {
      last = what;
      writeFileSync(file, what);
    },
    obeyed: () => eventually(`the kill: ${last}`, () => !existsSync(file)),
  };
}
