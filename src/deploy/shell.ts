// Text as a word for /bin/sh. Pure.

import { TuttiError } from '../errors.ts';

/** Throws a TuttiError where it has a line break, which neither a crontab nor an init script can hold in a word. */
export function quote(text: string): string {
  if (/[\n\r]/.test(text)) {
    const problem = 'a script for the boot cannot hold a line break, and one of the values has one';
    throw new TuttiError('ERR_SERVICE_USER', { problem, hint: 'Put it into a file: --env-file' });
  }
  return `'${text.replaceAll("'", "'\\''")}'`;
}
