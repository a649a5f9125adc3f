// A program of its own: evaluates one configuration file in a short-lived process and writes what it exports, as JSON, to file
// descriptor 3. So the file's modules and functions never live in the primary, and whatever it does to its process ends with it.
// Its stdout is the caller's stderr.

import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** `added`: what the file has put into the environment or changed there. */
export type Evaluated = { value: unknown; added: Record<string, string> } | { error: string };

/** Errors of Node's own type stripping and resolving which mean that jiti may still manage. */
const jitiMay = ['ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', 'ERR_MODULE_NOT_FOUND', 'ERR_UNKNOWN_FILE_EXTENSION'];

async function evaluate(path: string): Promise<Evaluated> {
  const before = { ...process.env };
  try {
    const exported = await load(path);
    const value: unknown = typeof exported === 'function' ? await exported() : exported;
    const odd = notPlain(value, '');
    const added = Object.entries(process.env).filter(([name, one]) => before[name] !== one);
    return odd === null
      ? { value: value ?? null, added: Object.fromEntries(added) as Record<string, string> }
      : { error: `${odd}; only plain values can be used` };
  } catch (error) {
    return { error: firstLine(error, path) };
  }
}

async function load(path: string): Promise<unknown> {
  const isTypeScript = ['.ts', '.mts', '.cts'].includes(extname(path));
  if (isTypeScript && !process.features.typescript) return loadWithJiti(path);
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return module.default;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const mayManage = jitiMay.includes(code) && (isTypeScript || String(error).includes("package 'tutti'"));
    if (mayManage) return loadWithJiti(path);
    throw error;
  }
}

/** `import { defineConfig } from 'tutti'` also works where tutti is installed globally. */
async function loadWithJiti(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const tutti = fileURLToPath(new URL('../index.js', import.meta.url));
  const jiti = createJiti(import.meta.url, { alias: { tutti }, moduleCache: false, fsCache: false });
  return jiti.import(path, { default: true });
}

/** Says where something stands that JSON would silently lose. */
function notPlain(value: unknown, place: string): string | null {
  const at = place === '' ? 'the export' : `"${place}"`;
  if (typeof value === 'function') return `${at} is a function`;
  if (typeof value === 'symbol' || typeof value === 'bigint') return `${at} is a ${typeof value}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return `${at} is ${value}`;
  if (typeof value !== 'object' || value === null) return null;
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (!['Object', 'Array', 'Module'].includes(tag)) return `${at} is a ${tag}`;
  for (const [key, inner] of Object.entries(value)) {
    const name = Array.isArray(value) ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`;
    const odd = notPlain(inner, name);
    if (odd !== null) return odd;
  }
  return null;
}

/** The message, and the place in the configuration file if the stack names it. */
function firstLine(error: unknown, path: string): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const name = error.name === 'Error' && 'code' in error ? `Error [${String(error.code)}]` : error.name;
  const message = `${name}: ${error.message.split('\n', 1)[0]}`;
  const line = (error.stack ?? '').split('\n').find((text) => text.includes(path) && /:\d+/.test(text));
  // Node's advice is for who wrote the file as CommonJS by mistake; a file of PM2 is CommonJS as a rule.
  if (/^(module|require|exports) is not defined in ES module scope/.test(error.message)) {
    return 'it is CommonJS in a package of "type": "module": rename it so that it ends in .cjs';
  }
  const place = line === undefined ? syntaxErrorLine(error, path) : /:(\d+(?::\d+)?)\)?$/.exec(line.trim())?.[1];
  return place == null ? message : `${message} (line ${place})`;
}

/** Node prints where a module's syntax is wrong, but does not put it into the error. */
function syntaxErrorLine(error: Error, path: string): string | undefined {
  if (!(error instanceof SyntaxError)) return undefined;
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: 10_000 });
  const [first = ''] = stderr.split('\n', 1);
  return first.includes(path) ? /:(\d+)$/.exec(first.trim())?.[1] : undefined;
}

const path = process.argv[2];
if (path !== undefined) {
  // Nothing can happen any more, and the file is not done: Node says so of a program by this code, but of what it imports only if it
  // is quick enough. A file that calls process.exit() does not come here.
  process.once('beforeExit', () => {
    process.exitCode = 13;
  });
  void evaluate(path).then((result) => {
    writeSync(3, JSON.stringify(result));
    // The file may have opened something that would keep this process alive; its job is done.
    process.exit(0);
  });
}
