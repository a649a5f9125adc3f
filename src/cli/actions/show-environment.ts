// The work of `tutti env`. The kernel is asked, not the supervisor: no way leads over the network to what may be secret.

import { readFileSync } from 'node:fs';
import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import { chooseOne } from '../shared/choose-apps.ts';
import type { Terminal } from '../terminal.ts';

export async function showEnvironment(
  name: string | undefined,
  slot: number,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const app = await chooseOne(name, terminal, 'env');
  const { workers } = app.answers ? app.snapshot : await app.client.snapshot();
  const worker = workers.find((one) => one.slot === slot && one.pid !== null);
  if (worker === undefined) {
    throw new TuttiError('ERR_NO_ENVIRONMENT', { name: app.name, slot, reason: 'no worker lives in that slot' });
  }
  const variables = Object.fromEntries(environmentOf(app.name, slot, worker.pid ?? 0));
  const text = json
    ? JSON.stringify({ schema: 1, app: app.name, slot, pid: worker.pid, env: variables })
    : Object.entries(variables)
        .map(([key, value]) => `${key}=${value}`)
        .join('\n');
  terminal.stdout.write(`${text}\n`);
  return exitCodes.stopped;
}

/** What Node.js and tutti tell the process, and take away before the application sees it. */
const own = /^(NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE|NODE_UNIQUE_ID|TUTTI_BOOT)=/;

function environmentOf(name: string, slot: number, pid: number): [string, string][] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch (error) {
    const reason = process.platform === 'linux' ? messageOf(error) : 'only Linux tells it of another process';
    throw new TuttiError('ERR_NO_ENVIRONMENT', { name, slot, reason }, { cause: error });
  }
  return text
    .split('\0')
    .filter((pair) => pair.includes('=') && !own.test(pair))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as [string, string])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
