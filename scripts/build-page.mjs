// Builds the dashboard's page into dist/dashboard/page. The result is kept in .cache/ under a hash of everything it is made of, so that
// a build that changed nothing of it costs a few milliseconds.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src/dashboard/page');
const cache = join(root, '.cache/page');

/** Answers the paths of the files of other packages that are in it. */
export async function buildPage(into) {
  const built = join(cache, fingerprint());
  if (!existsSync(built)) {
    rmSync(cache, { recursive: true, force: true });
    const fresh = join(cache, `fresh-${process.pid}`);
    const modules = await bundle(fresh);
    mkdirSync(cache, { recursive: true });
    writeFileSync(`${built}.json`, JSON.stringify(modules));
    renameSync(fresh, built);
  }
  cpSync(built, into, { recursive: true });
  return JSON.parse(readFileSync(`${built}.json`, 'utf8'));
}

async function bundle(outDir) {
  const { build } = await import('vite');
  const { output } = await build({
    root: source,
    configFile: false,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      target: ['chrome125', 'firefox128', 'safari17.5'],
      // The content security policy allows no inline script and no data: font; one script and one sheet is all there is.
      modulePreload: false,
      assetsInlineLimit: 0,
      sourcemap: false,
    },
  });
  // As they are in this folder: the cache may serve another.
  const ids = output.flatMap(({ moduleIds = [] }) => moduleIds);
  return ids.filter((id) => id.includes('/node_modules/')).map((id) => id.replace(root, ''));
}

function fingerprint() {
  const hash = createHash('sha256');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .map((name) => join(source, name))
    .filter((file) => statSync(file).isFile());
  for (const file of [...files.sort(), fileURLToPath(import.meta.url)])
    hash.update(file.slice(root.length)).update(readFileSync(file));
  for (const name of ['vite', 'preact', 'uplot'])
    hash.update(readFileSync(join(root, 'node_modules', name, 'package.json')));
  return hash.digest('hex').slice(0, 16);
}
