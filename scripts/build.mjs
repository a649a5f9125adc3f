// Builds dist/: tsc for the types, Rolldown for the primary's side, esbuild for the preload, which must be one CommonJS file, Vite for
// the page.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

if (!existsSync('node_modules/typescript')) {
  // A production install of the checkout has no compiler; the published package ships dist/.
  process.exit(0);
}

rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

const { bundle } = await import('./bundle.mjs');
await bundle();

const { build } = await import('esbuild');
await build({
  entryPoints: ['src/worker/preload.ts'],
  outfile: 'dist/worker/preload.cjs',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  logLevel: 'warning',
});
await build({
  entryPoints: ['src/dashboard/flame/flame.js'],
  outdir: 'dist/dashboard/flame',
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  logLevel: 'warning',
});
chmodSync('dist/bin.js', 0o755);

const { buildPage } = await import('./build-page.mjs');
await buildPage();
