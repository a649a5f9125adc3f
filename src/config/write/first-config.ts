// The text of a first tutti.config.ts: the program, and as comments the options that most apps want, in the words of their table. Pure.

import { type OptionName, options } from '../options.ts';
import { quote } from './config-text.ts';

/** In the order of the file, each with a value to begin with, as it is written there. */
const shown: readonly (readonly [OptionName, string])[] = [
  ['workers', `'2..8'`],
  ['probe', `'/healthz'`],
  ['env', `{ NODE_ENV: 'production' }`],
  ['envFile', `['.env']`],
  ['ready', `'started'`],
  ['drainTimeout', `'25s'`],
  ['stopTimeout', `'3s'`],
  ['maxMemory', `'512M'`],
  ['admin', `9400`],
  ['logMaxSize', `'20M'`],
];
const width = 110;

export function firstConfigText(entry: string): string {
  const rows = shown.map(([name, value]) => {
    const { doc, defaultDoc, default: standard } = options[name];
    const otherwise = defaultDoc ?? (standard === null || typeof standard === 'object' ? null : String(standard));
    const lines = wrap(
      `${doc.replace(' May be repeated.', '')}${otherwise === null ? '' : ` Default: ${otherwise}.`}`,
    ).map((line) => `  // ${line}\n`);
    return `\n${lines.join('')}  // ${name}: ${value},\n`;
  });
  const head = [
    '// Configuration of tutti. All options: docs/options.md of the package. What holds, and why: tutti check',
    `import { defineConfig } from 'tutti';`,
    '',
    'export default defineConfig({',
    '  // The program: a file, or a folder as node would run it.',
    `  entry: ${quote(entry)},`,
  ];
  return `${head.join('\n')}\n${rows.join('')}});\n`;
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
