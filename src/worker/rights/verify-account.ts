// Makes sure, before the application's code runs, that this process has the rights of the user it was started as, and no way back to
// others. Runs in the worker.

import { process } from '../own-process.ts';

/** Throws, which ends the process before anything of the application has run. */
export function verifyAccount({ uid, gid }: { uid: number; gid: number }): void {
  const { getuid, geteuid, getgid, getegid, getgroups } = process;
  if (!getuid || !geteuid || !getgid || !getegid || !getgroups) throw new Error('tutti: this system has no users');
  const found = [getuid(), geteuid(), getgid(), getegid(), ...getgroups()];
  const expected = [uid, uid, ...found.slice(2).map(() => gid)];
  if (found.some((number, i) => number !== expected[i])) {
    throw new Error(`tutti: this worker is to run as user ${uid} and group ${gid} alone, and has ${found.join(', ')}`);
  }
  if (uid !== 0 && regains()) throw new Error('tutti: this worker could become root again');
}

function regains(): boolean {
  try {
    process.setuid?.(0);
  } catch {
    return false;
  }
  return true;
}
