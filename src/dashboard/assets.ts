// Hands out the built page: index.html and what it loads, from memory, with the headers that keep it to itself. Runs in the primary.

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Asset {
  contentType: string;
  body: Uint8Array<ArrayBuffer>;
  /** 0: ask again every time. Files with a hash in their name never change. */
  cacheSeconds: number;
}

/** What a browser may do on this page: load its own files and talk to the server it came from, nothing else. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** To be sent with every file of the page. */
export const dashboardHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const yearSeconds = 365 * 24 * 3600;

/**
 * The page's files by path (`/` and `/assets/…`), or null for a path it does not have. The folder is read once, here: paths of requests
 * never reach the file system. An installation without the built page has no assets.
 */
export function dashboardAssets(folder = defaultFolder()): (path: string) => Asset | null {
  const files = new Map<string, Asset>();
  for (const name of listFiles(folder)) {
    const path = name.split('\\').join('/');
    files.set(path === 'index.html' ? '/' : `/${path}`, {
      contentType: contentTypes[extname(path)] ?? 'application/octet-stream',
      body: readFileSync(join(folder, name)),
      cacheSeconds: path.startsWith('assets/') ? yearSeconds : 0,
    });
  }
  return (path) => files.get(path) ?? null;
}

/** Beside this file when built, in dist/ when run from the sources. */
function defaultFolder(): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  return import.meta.url.endsWith('.ts') ? join(here, '../../dist/dashboard/page') : join(here, 'page');
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => extname(name) in contentTypes);
  } catch {
    // The page was not built: the API works without it.
    return [];
  }
}
