// The secret that turns a reader into an operator. The workers run as the same user and can reach the socket; what they
// cannot do by accident is send this header. Used by the primary (create, compare) and the CLI (read).

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import { readOwn } from '../../files/ownership.ts';
import { writeState } from '../../files/state-file.ts';

const TOKEN_BYTES = 32;
/** One of ours has 43 characters; one that was brought along may have others. */
export const TOKEN_SHAPE = /^[\w-]{32,128}$/;

/** The token in `path`, or a new one written there with mode 0600. A file that others could have read is not trusted. */
export function ensureToken(path: string): string {
  const known = readToken(path);
  if (known !== null) return known;
  return writeToken(path, freshToken());
}

/** From the kernel where it can be read: loading node:crypto for one token would cost every primary 2 MB. */
export function freshToken(): string {
  const bytes = Buffer.alloc(TOKEN_BYTES);
  return (kernelRandom(bytes) ? bytes : randomBytes(TOKEN_BYTES)).toString('base64url');
}

/** False where it gave less than was asked for. */
function kernelRandom(bytes: Buffer): boolean {
  try {
    const fd = openSync('/dev/urandom', 'r');
    try {
      return readSync(fd, bytes) === bytes.length;
    } finally {
      closeSync(fd);
    }
  } catch {
    // No such device (Windows), or no descriptor left.
    return false;
  }
}

export function writeToken(path: string, token: string): string {
  writeState(path, `${token}\n`);
  return token;
}

/** Null when there is none, or none that can be trusted. */
export function readToken(path: string): string | null {
  try {
    if ((lstatSync(path).mode & 0o077) !== 0) return null;
    const token = readOwn(path).trim();
    return TOKEN_SHAPE.test(token) ? token : null;
  } catch {
    // Not there or not readable: the same answer to the caller.
    return null;
  }
}

/** Whether an Authorization header carries the token, in a time that tells nothing of how much of it was right. */
export function isAuthorized(header: string | undefined, token: string): boolean {
  const given = /^Bearer ([^\s]+)$/i.exec(header ?? '')?.[1];
  if (given === undefined) return false;
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
