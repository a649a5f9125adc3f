// The work of `tutti export systemd`.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { systemd } from '../../deploy/systemd/systemd.ts';
import { exitCodes } from '../../errors.ts';
import { whatIsMeant } from '../actions/start-apps.ts';
import { withoutUnitOptions } from '../shared/service-options.ts';
import type { Terminal } from '../terminal.ts';
import { serviceOf } from './service-of.ts';

export interface UnitsRequest {
  words: readonly string[];
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
}

export async function exportUnits({ words, args, options, terminal }: UnitsRequest): Promise<number> {
  // Everything that any version can use; who copies a file reads what it is for.
  const manager = systemd(Number.POSITIVE_INFINITY, join(homedir(), '.config'));
  const meant = { positionals: words, args, options: withoutUnitOptions(options), terminal };
  for (const record of await whatIsMeant(meant)) {
    const service = await serviceOf(record, options, terminal);
    const secrets = Object.fromEntries(Object.keys(service.secrets).map((name) => [name, '…']));
    for (const { path, text, mode, why } of manager.files({ ...service, secrets })) {
      const isPrivate = mode === 0o600 ? ' Mode 0600; its values are not printed.' : '';
      terminal.stdout.write(`# ${path}\n# For: ${why}.${isPrivate}\n\n${text}\n`);
    }
  }
  return exitCodes.stopped;
}
