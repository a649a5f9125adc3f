// Runs the suite with node:test on whatever Node runs this script.
//   node scripts/test.mjs [room or file …]      rooms: unit process e2e browser
// The files are listed here because `node --test` understands globs only from Node 21 on. No file found is a failure.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const rooms = ['unit', 'process', 'e2e', 'browser'];
const asked = process.argv.slice(2);
const files = (asked.length > 0 ? asked : rooms).flatMap((name) =>
  list(rooms.includes(name) ? join('test', name) : name),
);

if (files.length === 0) {
  console.error(`Cannot run the tests: no *.test.ts file was found in ${asked.join(', ') || rooms.join(', ')}.`);
  process.exit(1);
}

// Unit tests share the machine well; tests with real processes and load get it to themselves.
const unit = files.filter((file) => file.startsWith(join('test', 'unit')));
const others = files.filter((file) => !unit.includes(file));
const ok = [run(unit, 2), run(others, 1)].every(Boolean);
process.exit(ok ? 0 : 1);

function list(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(path, name))
    .sort();
}

function run(list, concurrency) {
  if (list.length === 0) return true;
  const args = ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, '--test-reporter=spec', ...list];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0;
}
