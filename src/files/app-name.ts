// What an app may be called. Names become file names and appear in shell commands.

/** What a label of a DNS name may have. */
const LONGEST = 63;

export const appNamePattern = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${LONGEST - 1}}$`);
/** Commands take them for something else. */
export const reservedNames = ['all', 'none'];
export const appNameRule = `a name of at most ${LONGEST} letters, digits, dots, dashes and underscores that begins with a letter or digit, and not "all" or "none"`;

export function isAppName(name: string): boolean {
  return appNamePattern.test(name) && !reservedNames.includes(name);
}

/** The name that is nearest to `text`; `app` if nothing of it can stay. */
export function appNameFrom(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, LONGEST);
  return isAppName(name) ? name : 'app';
}
