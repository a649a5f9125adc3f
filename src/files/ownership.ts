// Whose a file or a folder is, and who else could change it: what is read there may be run, and what is written there may be secret.
// Root is trusted, because it can do anything anyway. On Windows everything counts as this user's. Runs in the primary and in the CLI.

import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import process from 'node:process';

/** Windows has none of these. */
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
/** Linux follows no more either. */
const MOST_LINKS = 40;

/** Why somebody else could change it, or null. The owner's private group, by custom of the same number as the owner, is no one else. */
export function whoElse({ uid, gid, mode }: Stats): string | null {
  if (isForeign(uid)) return `it belongs to user ${uid}`;
  if (process.getuid === undefined) return null;
  if ((mode & 0o002) !== 0) return `everybody may write to it (mode ${(mode & 0o7777).toString(8)})`;
  return (mode & 0o020) !== 0 && gid !== uid && gid !== 0 ? `group ${gid} may write to it` : null;
}

function isForeign(uid: number): boolean {
  return process.getuid !== undefined && uid !== process.getuid() && uid !== 0;
}

/**
 * Why `path` cannot be a folder that only this user changes, or null; null also when nothing is there. No link on the way to it may be
 * another user's, and with `asLink: false` it is none itself.
 */
export function folderProblem(path: string, { asLink }: { asLink: boolean }): string | null {
  try {
    const foreign = onTheWay(path, ({ here, stats }) =>
      stats.isSymbolicLink() && isForeign(stats.uid) ? `${here} is a link of user ${stats.uid}` : null,
    );
    if (foreign !== null) return foreign;
    const plain = resolve(path);
    const stats = asLink ? statSync(plain) : lstatSync(plain);
    if (!stats.isDirectory()) return stats.isSymbolicLink() ? 'it is a symbolic link' : 'it is not a folder';
    if (process.getuid !== undefined && stats.uid !== process.getuid()) {
      return `it belongs to user ${stats.uid}, and this is user ${process.getuid()}`;
    }
    return whoElse(stats);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? null : `this user cannot look at it (${code})`;
  }
}

/**
 * Who else could change what `file` says, in words, or null: each folder on the way to it, through links, must belong to this user or to
 * root, and nobody else may put another file in its place. Throws the system's error where it cannot be found out.
 */
export function foreignHand(file: string): string | null {
  return onTheWay(file, ({ here, stats, isPassed }) => {
    if (stats.isSymbolicLink()) return isForeign(stats.uid) ? `${here}: it is a link of user ${stats.uid}` : null;
    // In a sticky folder such as /tmp nobody takes away what is another's; but anybody puts files beside it.
    if (isPassed && (stats.mode & 0o1000) !== 0 && !isForeign(stats.uid)) return null;
    const problem = whoElse(stats);
    return problem === null ? null : `${here}: ${problem}`;
  });
}

interface Step {
  here: string;
  stats: Stats;
  /** Neither the last, nor the folder that it lies in. */
  isPassed: boolean;
}

/** The first answer that is not null, of all that the kernel passes on the way to `path`, links included. */
function onTheWay(path: string, judge: (step: Step) => string | null): string | null {
  if (process.getuid === undefined) return null;
  const ahead = partsOf(resolve(path));
  let links = 0;
  let at = '/';
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    const here = join(at, name);
    const stats = lstatSync(here);
    const answer = judge({ here, stats, isPassed: ahead.length > 1 });
    if (answer !== null) return answer;
    if (!stats.isSymbolicLink()) {
      at = here;
      continue;
    }
    links += 1;
    if (links > MOST_LINKS) return `${here}: too many links`;
    const target = readlinkSync(here);
    ahead.unshift(...partsOf(target));
    if (isAbsolute(target)) at = '/';
  }
  return null;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** Makes the folder and those above it that are missing; what is there stays as it is. */
export function makeFolder(path: string, mode = 0o700): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isFolder(path)) return;
    // Not `recursive`: where a file system takes no new folders and says ENOENT (/proc), Node would try for ever.
    if (code !== 'ENOENT' || isFolder(dirname(path))) throw error;
    makeFolder(dirname(path), mode);
    mkdirSync(path, { mode });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The text of a file that nobody but this user and root can have written. Throws for any other, and for links. */
export function readOwn(path: string): string {
  const file = openSync(path, constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    const problem = stats.isFile() ? whoElse(stats) : 'it is not a file';
    if (problem !== null) throw new Error(`Cannot trust ${path}: ${problem}`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** The names in a folder whose files this user may use; none where it is not there. Throws the system's error where that cannot be known. */
export function namesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder);
    // Without it the names can be read, and nothing of what they are.
    accessSync(folder, constants.X_OK);
    return names;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** As `namesIn`, and none where it cannot be known. */
export function namesIfAny(folder: string): string[] {
  try {
    return namesIn(folder);
  } catch {
    return [];
  }
}

/** Opens a file of this user's own, which is made with `mode` if it is not there. Throws for a link, and for what is no file of this user. */
export function openOwn(path: string, flags: number, mode = 0o600): number {
  const file = openSync(path, flags | constants.O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode);
  const stats = fstatSync(file);
  const problem = stats.isFile() ? whoElse(stats) : 'it is not a file';
  if (problem === null) return file;
  closeSync(file);
  throw new Error(`Cannot write ${path}: ${problem}`);
}
