// Whether a program certainly serves nothing, told by its source: a queue worker or a scheduler of an ecosystem file, which PM2 takes for
// ready like any process. What cannot be told for sure is taken for a server.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';

/** What is larger is taken for a server: reading it would hold up the start. Chosen, not measured. */
const MOST_FILES = 200;
const MOST_BYTES = 1024 * 1024;

/** What a server says somewhere, and a reader that does not run the program cannot see through. */
const serves =
  /\blisten\b|createServer|createSecureServer|createSocket|\bserve\b|\beval\b|new Function\b|child_process|worker_threads/;
const imports = /\brequire\s*\(\s*['"]([^'"]+)['"]\s*\)|\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g;
/** One whose name is not written out. */
const dynamicImport = /\b(?:require|import)\s*\(\s*[^'"\s)]|createRequire/;

/** Packages that open no port of their own accord: queues, clients, schedules, logs, tools. */
const clients: ReadonlySet<string> = new Set([
  ...[
    'bullmq',
    'bull',
    'bee-queue',
    'agenda',
    'pg-boss',
    'graphile-worker',
    'amqplib',
    'amqp-connection-manager',
    'kafkajs',
    'nats',
  ],
  ...[
    'ioredis',
    'redis',
    'pg',
    'mysql',
    'mysql2',
    'mongodb',
    'mongoose',
    'knex',
    'sequelize',
    'typeorm',
    '@prisma/client',
    'better-sqlite3',
  ],
  ...[
    'node-cron',
    'cron',
    'croner',
    'node-schedule',
    'toad-scheduler',
    'axios',
    'got',
    'node-fetch',
    'undici',
    'nodemailer',
    'web-push',
  ],
  ...[
    'dotenv',
    'pino',
    'winston',
    'debug',
    'lodash',
    'dayjs',
    'moment',
    'luxon',
    'date-fns',
    'uuid',
    'nanoid',
    'zod',
    'chalk',
    'p-queue',
    'p-limit',
  ],
  ...['fs-extra', 'sharp', 'cheerio', 'discord.js'],
]);

/** Never throws. `entry` is absolute. */
export function opensNoPort(entry: string): boolean {
  const real = realPath(entry) ?? realPath(`${entry}.js`);
  const seen = new Set(real === null ? [] : [real]);
  for (const file of seen) {
    const text = readText(file);
    if (seen.size > MOST_FILES || text === null || serves.test(text) || dynamicImport.test(text)) return false;
    for (const [, required, from, imported] of text.matchAll(imports)) {
      const name = required ?? from ?? imported ?? '';
      if (name.startsWith('.')) {
        const found = fileOf(name, file);
        if (found === null) return false;
        seen.add(found);
      } else if (!isBuiltin(name) && !isClient(name)) return false;
    }
  }
  return real !== null;
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function readText(file: string): string | null {
  try {
    const stats = statSync(file);
    return stats.isFile() && stats.size <= MOST_BYTES ? readFileSync(file, 'utf8') : null;
  } catch {
    return null;
  }
}

/** Null for what another loader would have to find. */
function fileOf(name: string, from: string): string | null {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return null;
  }
}

/** Also a part of it: `lodash/get`. */
function isClient(name: string): boolean {
  const [scope = '', rest = ''] = name.split('/');
  const whole = scope.startsWith('@') ? `${scope}/${rest}` : scope;
  return clients.has(whole) || scope === '@aws-sdk';
}
