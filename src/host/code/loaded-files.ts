// Which files a worker has loaded, as Node itself reports them for its own --watch (primary). For ES modules there is no other source.

import { fileURLToPath } from 'node:url';

/** The variable that makes Node report each file that it loads, by a message to the primary. */
export const REPORT_LOADED_VARIABLE = 'WATCH_REPORT_DEPENDENCIES';

/** The files on disk that a message names; null if it is not such a message. */
export function loadedFiles(message: unknown): string[] | null {
  if (typeof message !== 'object' || message === null) return null;
  if (!('watch:require' in message || 'watch:import' in message)) return null;
  const { 'watch:require': required, 'watch:import': imported } = message as Record<string, unknown>;
  return [...texts(required), ...texts(imported).map(pathOf)].filter((path) => path !== '');
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Loaders add queries to the URL of a file. */
function pathOf(address: string): string {
  if (!address.startsWith('file:')) return '';
  try {
    return fileURLToPath(address);
  } catch {
    // Not the URL of a file.
    return '';
  }
}
