// The user and the group that workers run as: finds their numbers, and whether this process may start workers as them (primary). Loaded only
// where --user is given.

import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { TuttiError } from '../../errors.ts';
import { groupEntry, idOf, userEntry } from '../../files/accounts.ts';
import { foreignHand } from '../../files/ownership.ts';
import type { Account } from './as-account.ts';

const run = promisify(execFile);

/** A name or a number each. Rejects with a TuttiError where there is no such user, or where it is not for this process to run as it. */
export async function accountOf(user: string | null, group: string | null): Promise<Account | null> {
  if (user === null) {
    if (group === null) return null;
    throw refused(`group ${group}`, '--group needs --user: as root a group alone takes no rights away');
  }
  if (process.getuid === undefined || process.getgid === undefined) {
    throw refused(`user ${user}`, `${process.platform} has no such way to change the user of a process`);
  }
  const entry = await userEntry(user);
  const uid = entry?.uid ?? idOf(user);
  if (uid === null) throw new TuttiError('ERR_ACCOUNT_UNKNOWN', { kind: 'user', name: user });
  const gid = group === null ? entry?.gid : ((await groupEntry(group)) ?? idOf(group));
  if (gid === null) throw new TuttiError('ERR_ACCOUNT_UNKNOWN', { kind: 'group', name: group ?? '' });
  if (gid === undefined) {
    throw refused(`user ${user}`, 'the system has no entry for this number, and so no group; give one with --group');
  }
  const isSame = process.getuid() === uid && process.getgid() === gid;
  if (isSame) return null;
  if (process.geteuid?.() !== 0) {
    throw refused(
      `user ${user}`,
      `only root may start processes as somebody else, and this is user ${process.getuid()}`,
    );
  }
  return { uid, gid, name: entry?.name ?? user, home: entry?.home ?? null };
}

function refused(whom: string, reason: string): TuttiError {
  return new TuttiError('ERR_ACCOUNT_REFUSED', { whom, reason });
}

/** What the worker will need first, tried by a process of that user. */
const TRIAL = `
const { accessSync, constants } = require('node:fs');
for (const [path, mode] of JSON.parse(process.argv[1])) {
  try {
    accessSync(path, constants[mode]);
  } catch (error) {
    console.log(JSON.stringify({ path, reason: error.code }));
    break;
  }
}
`;

/** Rejects with a TuttiError that names the first thing which the user cannot reach. */
export async function assertReach(
  account: Account,
  { node, files, cwd }: { node: string; files: readonly string[]; cwd: string },
): Promise<void> {
  const wanted = [[cwd, 'X_OK'], ...files.map((file) => [file, 'R_OK'])];
  const { uid, gid } = account;
  let said: string;
  try {
    said = (await run(node, ['-e', TRIAL, JSON.stringify(wanted)], { uid, gid, cwd: '/', env: {} })).stdout;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EPERM') {
      throw refused(
        `user ${account.name}`,
        'the system allows it not even to root (EPERM): CAP_SETUID and CAP_SETGID are missing',
      );
    }
    throw new TuttiError('ERR_ACCOUNT_REACH', { name: account.name, path: node, reason: code ?? message });
  }
  if (said !== '') {
    const { path, reason } = JSON.parse(said) as { path: string; reason: string };
    throw new TuttiError('ERR_ACCOUNT_REACH', { name: account.name, path, reason });
  }
}

/** Who but root could lead what root writes to `file` to another file, in words, or null. */
export function whoChooses(file: string): string | null {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const problem = foreignHand(folder);
      return problem === null ? null : `root would write it, and somebody else could lead it elsewhere (${problem})`;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || folder === dirname(folder)) return `who may write there cannot be found out (${code})`;
    }
  }
}

/** What the environment says of whoever started tutti does not hold for the workers' user; what the operator set does. */
export function accountEnvironment(
  { name, home }: Account,
  env: Readonly<Record<string, string>>,
  inherited: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const changed: Record<string, string> = { ...env };
  const own: Record<string, string | null> = { HOME: home, USER: name, LOGNAME: name, XDG_RUNTIME_DIR: null };
  for (const [variable, value] of Object.entries(own)) {
    if (env[variable] !== inherited[variable]) continue;
    if (value === null) delete changed[variable];
    else changed[variable] = value;
  }
  return changed;
}
