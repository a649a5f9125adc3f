// A file that `tutti export` makes, and the mark by which a later export knows that nobody has changed it. Pure but for the hash.

import { createHash } from 'node:crypto';

export interface ExportFile {
  /** Its name, with / between folders. */
  path: string;
  text: string;
  /** What it is for, in a line. */
  why: string;
}

const mark = /^# Made by tutti export (\w+), ([0-9a-f]{12})\. [^\n]*\n/;

/** The file with a first line that says who made it. What follows it is `lines`. */
export function exportFile(to: string, path: string, why: string, lines: readonly string[]): ExportFile {
  const body = `${lines.join('\n')}\n`;
  const head = `# Made by tutti export ${to}, ${checksum(body)}. Change what you like: it is not overwritten then without --force.`;
  return { path, why, text: `${head}\n${body}` };
}

/** Whether a text is as an export wrote it, of whatever version and configuration. */
export function isUntouched(text: string): boolean {
  const match = mark.exec(text);
  return match !== null && checksum(text.slice(match[0].length)) === match[2];
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
