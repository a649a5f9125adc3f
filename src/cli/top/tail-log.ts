// The workers' newest lines for `tutti top`, a few times a second however fast they write. Reads the file itself. Runs in the CLI.

import { setTimeout as delay } from 'node:timers/promises';
import { type AdminClient, AdminClientError } from '../../admin/client/client.ts';
import { follow, lastRecords } from '../../logs/workers/read-log.ts';
import type { LogRecord } from '../../logs/workers/record.ts';

const PAST_LINES = 100;
const RETRY_MS = 1000;
const GATHER_MS = 100;
/** What is gathered beyond this would not be seen anyway. */
const MOST_LINES = 300;

/** Ends when `signal` aborts, or when the app writes to no file. */
export async function tailLog(
  client: AdminClient,
  signal: AbortSignal,
  show: (lines: readonly LogRecord[]) => void,
): Promise<void> {
  const file = await fileOf(client, signal);
  if (file === null) return;
  let gathered: LogRecord[] = [];
  const timer = setInterval(() => {
    if (gathered.length === 0) return;
    show(gathered);
    gathered = [];
  }, GATHER_MS);
  try {
    const { records, position } = await lastRecords(file, PAST_LINES);
    show(records);
    for await (const record of follow(file, position, {}, signal)) {
      gathered.push(record);
      if (gathered.length > 2 * MOST_LINES) gathered = gathered.slice(-MOST_LINES);
    }
  } finally {
    clearInterval(timer);
  }
}

/** Asks until the supervisor answers: it may be about to come back. */
async function fileOf(client: AdminClient, signal: AbortSignal): Promise<string | null> {
  while (!signal.aborted) {
    try {
      return (await client.log())?.file ?? null;
    } catch (error) {
      if (!(error instanceof AdminClientError)) throw error;
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {});
  }
  return null;
}
