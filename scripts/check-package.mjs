// Looks at the package as its users get it: what publint and attw say of it, and whether the README's links lead to something in it.
// Needs a built dist/.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const folder = mkdtempSync(join(tmpdir(), 'tutti-package-'));
try {
  // Without scripts: dist/ is there, and `prepack` would build it once more.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    encoding: 'utf8',
  });
  const [{ filename }] = JSON.parse(packed);
  const tarball = join(folder, filename);
  for (const [tool, ...args] of [
    ['publint', 'run', tarball, '--strict'],
    ['attw', tarball],
  ])
    execFileSync(join('node_modules/.bin', tool), args, { stdio: 'inherit' });

  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  const root = join(folder, 'package');
  const links = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/\]\(([\w./-]+\.md)(?:#[^)]*)?\)/g)];
  const dead = links.map(([, path]) => path).filter((path) => !existsSync(join(root, path)));
  if (dead.length > 0) throw new Error(`The README links to pages that are not in the package: ${dead.join(', ')}.`);
  if (existsSync(join(root, 'dist/tests')))
    throw new Error('dist/tests is in the package; `files` should keep it out.');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
