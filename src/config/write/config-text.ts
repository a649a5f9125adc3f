// Writes a configuration file from apps. Pure.

import type { AppOptions } from '../options.ts';

/** The text of a `tutti.config.ts`, or of another ending. */
export function configText(apps: readonly AppOptions[]): string {
  const body =
    apps.length === 1
      ? print(apps[0], '')
      : `{\n  apps: [\n${apps.map((app) => `    ${print(app, '    ')},\n`).join('')}  ],\n}`;
  return `import { defineConfig } from 'tutti';\n\nexport default defineConfig(${body});\n`;
}

function print(value: unknown, indent: string): string {
  if (Array.isArray(value)) return `[${value.map((one) => print(one, indent)).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? quote(value) : JSON.stringify(value);
  const inner = `${indent}  `;
  const lines = Object.entries(value).map(
    ([key, one]) => `${inner}${/^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key)}: ${print(one, inner)},\n`,
  );
  return lines.length === 0 ? '{}' : `{\n${lines.join('')}${indent}}`;
}

export function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
