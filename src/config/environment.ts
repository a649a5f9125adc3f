// The environment that workers get, before tutti adds its own variables.

import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { TuttiError } from '../errors.ts';
import { reasonOf } from './load.ts';
import type { Config } from './options.ts';

/**
 * Files lowest (of two files the later holds, as with node), then the environment of the primary, then the options.
 * Reads the files anew at each call.
 */
export function workerEnvironment(
  config: Pick<Config, 'env' | 'envFile' | 'dropEnv'>,
  base: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const inherited = Object.entries(base).filter(([name]) => !config.dropEnv.some((pattern) => matches(name, pattern)));
  return { ...Object.assign({}, ...config.envFile.map(readEnvFile)), ...Object.fromEntries(inherited), ...config.env };
}

/** A star at the end stands for anything. */
function matches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function readEnvFile(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new TuttiError('ERR_ENV_FILE', { path, reason: reasonOf(error) }, { cause: error });
  }
}
