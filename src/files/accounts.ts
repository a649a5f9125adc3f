// The users and groups of the system, as every part of tutti finds them: from the files, or else from whatever the system asks (LDAP, systemd).
// Runs in the primary and in the CLI.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface UserEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** By name, or else by number. Null: there is no such entry. */
export async function userEntry(user: string): Promise<UserEntry | null> {
  const fields = await entryOf('passwd', user);
  if (fields === null) return null;
  const [name = user, , uid, gid, , home = ''] = fields;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Its number, by its name or else by the number itself. Null: there is no such entry. */
export async function groupEntry(group: string): Promise<number | null> {
  const fields = await entryOf('group', group);
  return fields === null ? null : Number(fields[2]);
}

/** What a number means that has no entry; null for what is none. */
export function idOf(text: string): number | null {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1 ? Number(text) : null;
}

/** In either database the number is the third field. */
async function entryOf(database: 'passwd' | 'group', key: string): Promise<string[] | null> {
  const lines = linesOf(`/etc/${database}`);
  const found =
    lines.find(([name]) => name === key) ??
    (idOf(key) === null ? undefined : lines.find(([, , number]) => number === key));
  if (found !== undefined) return found;
  if (key.startsWith('-')) return null;
  try {
    const { stdout } = await run('getent', [database, key]);
    const [line = ''] = stdout.split('\n');
    return line === '' ? null : line.split(':');
  } catch {
    // It has none, or there is no such command.
    return null;
  }
}

function linesOf(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
