// Takes the name of an app: binds its control socket, replacing the one that a dead supervisor left behind and nothing else.
// Runs in the primary.

import { type BigIntStats, chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { ensurePrivateFolder, socketPathProblem } from '../../files/state-folder.ts';

export type BindOutcome =
  | { outcome: 'bound' }
  /** Another supervisor lives there. */
  | { outcome: 'taken' }
  | { outcome: 'impossible'; reason: string };

/** How long others that bind or clear the same path at this moment may hold it up. Chosen, not measured. */
const PATIENCE_MS = 3000;

/** Never throws and never removes what a living process, another user or something that is not a socket owns. */
export async function bindControlSocket(server: Server, path: string): Promise<BindOutcome> {
  const problem = socketPathProblem(path);
  if (problem !== null) return { outcome: 'impossible', reason: problem };
  try {
    ensurePrivateFolder(dirname(path));
  } catch (error) {
    return { outcome: 'impossible', reason: messageOf(error) };
  }
  try {
    for (const end = uptimeMs() + PATIENCE_MS; ; ) {
      const failure = await listen(server, path);
      if (failure === null) {
        chmodSync(path, 0o600);
        return { outcome: 'bound' };
      }
      if (failure.code !== 'EADDRINUSE' || uptimeMs() > end) return { outcome: 'impossible', reason: failure.message };
      const obstacle = await clearTheWay(path);
      if (obstacle !== null) return obstacle;
    }
  } catch (error) {
    return { outcome: 'impossible', reason: messageOf(error) };
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
  if (process.getuid !== undefined && Number(stats.uid) !== process.getuid()) {
    return { outcome: 'impossible', reason: `${path} belongs to user ${stats.uid}` };
  }
  if (await isAnswering(path)) return { outcome: 'taken' };
  await removeDead(path, stats);
  return null;
}

/** Null, or why not. */
function listen(server: Server, path: string): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(path, () => {
      server.off('error', resolve);
      resolve(null);
    });
  });
}

/**
 * Two supervisors that find the same dead socket must not both remove it, or the second would remove the first one's new
 * socket. On Linux an abstract socket is a lock that the kernel takes back when its holder dies. Its address tells of this one dead
 * socket, to the nanosecond: other users can see such an address while it is held, and cannot foresee the next. Elsewhere there is no
 * such lock and the window of some microseconds stays.
 */
async function removeDead(path: string, dead: BigIntStats): Promise<void> {
  const isStillThere = () => {
    const now = statOrNull(path);
    return now !== null && now.ino === dead.ino && now.ctimeNs === dead.ctimeNs;
  };
  const lock = createServer();
  const address = `\0tutti/${dead.dev}:${dead.ino}:${dead.ctimeNs}`;
  try {
    for (const end = uptimeMs() + PATIENCE_MS; process.platform === 'linux' && uptimeMs() < end; await delay(10)) {
      // Who holds the lock needs milliseconds, and then there is nothing left to remove.
      if (!isStillThere() || (await listen(lock, address)) === null) break;
    }
    // Asked once more: its owner may have been about to listen.
    if (isStillThere() && !(await isAnswering(path)) && isStillThere()) unlinkSync(path);
  } finally {
    lock.close();
  }
}

function uptimeMs(): number {
  return process.uptime() * 1000;
}

function statOrNull(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    // Nothing is there.
    return null;
  }
}
