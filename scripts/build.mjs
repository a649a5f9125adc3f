// Builds dist/: tsc for the types, Rolldown for the primary's side, esbuild for the preload, which must be CommonJS without packages,
// Vite for the page.
import { chmodSync, existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clearOut, exchange, out } from './out.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

if (!existsSync('node_modules/typescript')) {
  // A production install of the checkout has no compiler; the published package ships dist/.
  process.exit(0);
}

clearOut();
const { bundleTypes } = await import('./bundle-types.mjs');
bundleTypes();

const { bundle } = await import('./bundle.mjs');
const modules = await bundle();

const { build } = await import('esbuild');
// Three files: the first is all that a thread of the application loads, and it lets the second come from the compile cache. Its lines
// are joined, because every worker reads them at its start; names stay. The third is for a worker whose primary is dead.
for (const [name, joined] of [
  ['preload', false],
  ['start', true],
  ['orphan/revive', false],
])
  await build({
    entryPoints: [`src/worker/${name}.ts`],
    outfile: `${out}/worker/${basename(name)}.cjs`,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    minifySyntax: joined,
    minifyWhitespace: joined,
    // Node prints the whole line of an error that nobody caught.
    lineLimit: 200,
    plugins: [
      {
        name: 'start',
        setup: (to) =>
          to.onResolve({ filter: /\/(start|revive)\.ts$/, namespace: 'file' }, ({ path, kind }) =>
            kind === 'entry-point' ? null : { path: `./${basename(path, '.ts')}.cjs`, external: true },
          ),
      },
    ],
    logLevel: 'warning',
  });
const flame = await build({
  entryPoints: ['src/dashboard/flame/flame.js'],
  outdir: `${out}/dashboard/flame`,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  metafile: true,
  logLevel: 'warning',
});
modules.push(...Object.keys(flame.metafile.inputs));
chmodSync(`${out}/bin.js`, 0o755);

const { buildPage } = await import('./build-page.mjs');
modules.push(...(await buildPage(`${out}/dashboard/page`)));
const { writeLicenses } = await import('./licenses.mjs');
writeLicenses(modules);
exchange();
