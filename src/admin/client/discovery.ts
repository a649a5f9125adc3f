// Finds the supervisors of this user by listing the run folders. Runs in the CLI.

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { isAppName } from '../../files/app-name.ts';
import { controlPaths, namesInState, stateFolders } from '../../files/state-folder.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import { AdminClient, AdminClientError } from './client.ts';

export type Found =
  | { name: string; client: AdminClient; answers: true; snapshot: Snapshot }
  /** Somebody holds the socket but does not answer: stopped or overloaded. */
  | { name: string; client: AdminClient; answers: false; reason: string };

/**
 * Asks every supervisor at the same time. Sockets that nobody holds are left out; whoever takes the name replaces them. Rejects with a
 * TuttiError where it cannot be known what runs.
 */
export async function discover(env: Readonly<Record<string, string | undefined>>, timeoutMs = 3000): Promise<Found[]> {
  const clients = stateFolders(env).flatMap((state) => socketNames(state).map((name) => clientFor(state, name)));
  const found = await Promise.all(clients.map((client) => ask(client, timeoutMs)));
  return found
    .filter((one): one is Found => one !== null)
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

async function ask(client: AdminClient, timeoutMs: number, isAgain = false): Promise<Found | null> {
  try {
    return { name: client.name, client, answers: true, snapshot: await client.snapshot(timeoutMs) };
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error;
    // Its socket may have been closed with this client in the queue, because another supervisor takes over.
    if (error.kind === 'lost' && !isAgain) return ask(client, timeoutMs, true);
    return error.kind === 'gone' ? null : { name: client.name, client, answers: false, reason: error.message };
  }
}

function clientFor(state: string, name: string): AdminClient {
  return new AdminClient(name, controlPaths(state, name));
}

/** Of the sockets in a state folder, whether or not somebody answers. Throws a TuttiError where that cannot be known. */
export function socketNames(state: string): string[] {
  const folder = join(state, 'run');
  return namesInState(folder)
    .filter((file) => file.endsWith('.sock') && isOurSocket(join(folder, file)))
    .map((file) => file.slice(0, -'.sock'.length))
    .filter(isAppName);
}

/** Asking a socket of another user would hand our token to whoever listens there. */
function isOurSocket(path: string): boolean {
  try {
    const stats = lstatSync(path);
    return stats.isSocket() && (process.getuid === undefined || stats.uid === process.getuid());
  } catch {
    // It went away in this moment.
    return false;
  }
}
