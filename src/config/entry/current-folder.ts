// The folder in which a command was typed, with the symbolic links through which its user went there.

import { realpathSync } from 'node:fs';

/**
 * The kernel knows the working folder only without symbolic links. After `cd /srv/shop/current` that is the release of
 * today, and a reload would find it for ever; the shell's PWD still says what was meant.
 */
export function currentFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { PWD } = env;
  let physical: string;
  try {
    physical = process.cwd();
  } catch {
    // The folder was removed. Commands that need it say so, with its name; the others do without.
    return PWD?.startsWith('/') ? PWD : '/';
  }
  try {
    if (PWD?.startsWith('/') && realpathSync(PWD) === physical) return PWD;
  } catch {
    // PWD is of another process or another time.
  }
  return physical;
}
