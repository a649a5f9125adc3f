// Runs the process tests on other versions of Node: tests, primary and workers all with that version.
//   node scripts/matrix.mjs [major …] [--form=short|default|long]      default: 22 24 26, short
// The binaries come from the npm packages node-<platform>-<arch>, into .cache/nodes.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const cache = join('.cache', 'nodes');
const args = process.argv.slice(2);
const asked = args.filter((arg) => /^\d+$/.test(arg));
const majors = asked.length > 0 ? asked : ['22', '24', '26'];
const form = args.find((arg) => arg.startsWith('--form=')) ?? '--form=short';

const outcomes = [];
for (const major of majors) {
  const node = binary(major);
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\nProcess tests on Node ${version}`);
  const { status } = spawnSync(node, ['scripts/test.mjs', 'process', form], { stdio: 'inherit' });
  outcomes.push({ version, ok: status === 0 });
}
console.log(`\n${outcomes.map(({ version, ok }) => `Node ${version}: ${ok ? 'passed' : 'FAILED'}`).join('\n')}`);
process.exit(outcomes.every(({ ok }) => ok) ? 0 : 1);

function binary(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const node = join(cache, 'node_modules', `node-${major}`, 'bin', 'node');
  if (!existsSync(node)) {
    mkdirSync(cache, { recursive: true });
    const spec = `node-${major}@npm:node-${process.platform}-${process.arch}@${major}`;
    const npm = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', cache, spec];
    execFileSync('npm', npm, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return join(process.cwd(), node);
}
