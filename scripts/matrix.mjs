// Runs the process tests on other versions of Node: tests, primary and workers all with that version.
//   node scripts/matrix.mjs [major …] [--form=short|default|long]      default: 22 24 26, short
// The binaries come from the npm packages node-<platform>-<arch>, into .cache/nodes.
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from './node-binaries.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const args = process.argv.slice(2);
const asked = args.filter((arg) => /^\d+$/.test(arg));
const majors = asked.length > 0 ? asked : ['22', '24', '26'];
const form = args.find((arg) => arg.startsWith('--form=')) ?? '--form=short';

const outcomes = [];
for (const major of majors) {
  const node = nodeBinary(major);
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\nProcess tests on Node ${version}`);
  const { status } = spawnSync(node, ['scripts/test.mjs', 'process', form], { stdio: 'inherit' });
  outcomes.push({ version, ok: status === 0 });
}
console.log(`\n${outcomes.map(({ version, ok }) => `Node ${version}: ${ok ? 'passed' : 'FAILED'}`).join('\n')}`);
process.exit(outcomes.every(({ ok }) => ok) ? 0 : 1);
