// Takes the name of an app: binds its control socket, replacing the one that a dead supervisor left behind and nothing else.
// Runs in the primary.

import { chmodSync, lstatSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { ensurePrivateFolder, socketPathProblem } from './state-folder.ts';

export type BindOutcome =
  | { outcome: 'bound' }
  /** Another supervisor lives there. */
  | { outcome: 'taken' }
  | { outcome: 'impossible'; reason: string };

const LOCK_PATIENCE_MS = 3000;

/** Never throws and never removes what a living process, another user or something that is not a socket owns. */
export async function bindControlSocket(server: Server, path: string): Promise<BindOutcome> {
  const problem = socketPathProblem(path);
  if (problem !== null) return { outcome: 'impossible', reason: problem };
  try {
    ensurePrivateFolder(dirname(path));
  } catch (error) {
    return { outcome: 'impossible', reason: messageOf(error) };
  }
  let release = (): void => {};
  try {
    release = await lockName(path);
    const obstacle = await clearTheWay(path);
    if (obstacle !== null) return obstacle;
    await listen(server, path);
    chmodSync(path, 0o600);
    return { outcome: 'bound' };
  } catch (error) {
    return { outcome: 'impossible', reason: messageOf(error) };
  } finally {
    release();
  }
}

/** Whether somebody accepts connections at `path`. A full queue or a denied access is an answer too: somebody is there. */
export function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT' && error.code !== 'ENOTSOCK');
    });
  });
}

async function clearTheWay(path: string): Promise<BindOutcome | null> {
  const stats = statOrNull(path);
  if (stats === null) return null;
  if (!stats.isSocket()) return { outcome: 'impossible', reason: `${path} exists and is not a socket` };
  if (process.getuid !== undefined && stats.uid !== process.getuid()) {
    return { outcome: 'impossible', reason: `${path} belongs to user ${stats.uid}` };
  }
  if (await isAnswering(path)) return { outcome: 'taken' };
  unlinkSync(path);
  return null;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * Two supervisors that find the same dead socket must not both remove it, or the second would remove the first one's new
 * socket. On Linux an abstract socket is a lock that the kernel takes back when its holder dies; its address carries the
 * folder's inode, because the namespace is shared by containers that share a network. Elsewhere there is no such lock and
 * the window of some microseconds stays.
 */
async function lockName(path: string): Promise<() => void> {
  if (process.platform !== 'linux') return () => {};
  const folder = statSync(dirname(path));
  const address = `\0tutti/${folder.dev}:${folder.ino}/${basename(path)}`;
  for (const end = process.uptime() * 1000 + LOCK_PATIENCE_MS; process.uptime() * 1000 < end; await delay(10)) {
    const lock = createServer();
    try {
      await listen(lock, address);
      return () => lock.close();
    } catch {
      // EADDRINUSE: the other one is at it and needs milliseconds.
    }
  }
  return () => {};
}

function statOrNull(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    // Nothing is there.
    return null;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
