// Whether a file is for somebody else than Node.js, before Node.js is given it: it would end in a SyntaxError that explains nothing.
import { closeSync, openSync, readSync } from 'node:fs';
import { basename, extname } from 'node:path';

/** What a shebang may name of a program that Node.js runs. */
const forNode = /^((node|nodejs)(-?\d[\d.]*)?|tsx|ts-node(-\w+)?|babel-node|bun|deno)$/;
const languages: Record<string, string> = {
  '.sh': 'a shell script',
  '.bash': 'a shell script',
  '.zsh': 'a shell script',
  '.bat': 'a script of Windows',
  '.cmd': 'a script of Windows',
  '.ps1': 'a script of PowerShell',
  '.py': 'a Python program',
  '.rb': 'a Ruby program',
  '.php': 'a PHP program',
  '.pl': 'a Perl program',
};

/** Commands that only start the program which is meant. */
export const launchers: ReadonlySet<string> = new Set([
  ...['npm', 'npx', 'yarn', 'pnpm', 'bun', 'bunx', 'bash', 'sh'],
  ...['serve', 'nodemon', 'pm2', 'dotenv', 'cross-env'],
]);

/** What it is, in words; null if Node.js may run it. Throws if it cannot be read. */
export function foreignProgram(path: string): string | null {
  const begin = beginning(path);
  if (
    begin.startsWith('\x7fELF') ||
    begin.startsWith('\0asm') ||
    (begin.startsWith('MZ') && begin.includes('\0')) ||
    /^(\xfe\xed\xfa|\xcf\xfa\xed\xfe)/.test(begin)
  )
    return 'a binary';
  const shebang = /^#!(.*)/.exec(begin)?.[1]?.trim() ?? '';
  if (shebang !== '')
    return shebang.split(/\s+/).some((word) => forNode.test(basename(word))) ? null : `a script for ${shebang}`;
  return languages[extname(path).toLowerCase()] ?? null;
}

function beginning(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(128);
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}
