// Runs the suite with node:test on whatever Node runs this script.
//   node scripts/test.mjs [room or file …] [--form=short|default|long] [--node-flag …]
// Rooms: unit, process, e2e, browser, soak, systemd, nginx. The form says how long the tests that can be long are (test/support/form.ts).
// The files are listed here because `node --test` understands globs only from Node 21 on. No test found is a failure.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const rooms = ['unit', 'process', 'e2e', 'browser', 'soak', 'systemd', 'platforms', 'nginx'];
// These take long, or need a machine of their own, and are asked for by name.
const byDefault = rooms.filter((room) => !['soak', 'systemd', 'platforms', 'nginx'].includes(room));
const asked = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const given = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const form = given.find((arg) => arg.startsWith('--form='))?.slice('--form='.length) ?? process.env.TUTTI_TEST;
const flags = given.filter((arg) => !arg.startsWith('--form='));

// Tests with real processes mostly wait – for a backoff, a drain, a timeout – so two more of them than there are cores run at a
// time. Those that need the machine for themselves come last, one after the other: they load all cores on purpose, and beside
// them a neighbour would measure their load. A new test belongs here only if it does that, too.
const alone = [
  'test/process/admin-flood.test.ts',
  'test/process/autoscale.test.ts',
  'test/process/counters.test.ts',
  'test/process/data-plane/resting.test.ts',
  'test/process/data-plane/transfers.test.ts',
  'test/process/kill-storm.test.ts',
  'test/process/log-flood.test.ts',
  'test/process/recycle.test.ts',
  'test/process/reload.test.ts',
  'test/process/scale.test.ts',
];
/** Of these the short form does without: they take long, and hold what no version of Node changes. */
const notInShort = [
  'test/process/admin-flood.test.ts',
  'test/process/autoscale.test.ts',
  'test/process/boot-without-systemd.test.ts',
  'test/process/crash-loop.test.ts',
  'test/process/poison.test.ts',
  'test/process/recycle.test.ts',
  'test/process/saved-apps.test.ts',
];
/** Those that take longest begin first, so that no core is idle while the last of them goes on by itself. */
const first = [
  'test/e2e/commands.test.ts',
  'test/process/orphans.test.ts',
  'test/browser/page.test.ts',
  'test/process/incidents.test.ts',
  'test/process/leaks.test.ts',
  'test/process/supervisor-death.test.ts',
  'test/process/upgrade.test.ts',
  'test/process/metrics.test.ts',
  'test/process/closing-ports.test.ts',
  'test/process/crash-loop.test.ts',
  'test/unit/supervisor/explore.test.ts',
  'test/unit/supervisor/random.test.ts',
  'test/unit/admin/fuzz.test.ts',
  'test/unit/support/load.test.ts',
];
const unknown = [...alone, ...notInShort, ...first].filter((file) => !fs.existsSync(file));
if (unknown.length > 0) throw new Error(`The list in scripts/test.mjs names tests that are not there: ${unknown}.`);

const files = (asked.length > 0 ? asked : byDefault)
  .flatMap((name) => list(rooms.includes(name) ? join('test', name) : name))
  .filter((file) => form !== 'short' || asked.includes(file) || !notInShort.includes(file));

/** More files than this are no bad luck. */
const MOST_FLAKY = 3;
/** The whole suite took 13 min on two quiet cores when this was written, and 16 beside other load. More means that something has become slow. */
const BUDGET_MS = 18 * 60_000;

/** No test, and on Node 20 no file, takes longer. */
const TIMEOUT_MS = 300_000;

const began = performance.now();
const cores = availableParallelism();
const unit = files.filter((file) => file.startsWith(join('test', 'unit')));
const last = files.filter((file) => alone.includes(file) || file.startsWith(join('test', 'soak')));
const others = files.filter((file) => !unit.includes(file) && !last.includes(file));
const folder = fs.mkdtempSync(join(tmpdir(), 'test-totals-'));
const totals = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, duration_ms: 0 };
const durations = new Map();
const failures = [];
run('unit', together(longestFirst(unit)), cores);
run('beside', longestFirst(others), cores + 2);
run('alone', last, 1);
const flaky = again();
fs.rmSync(folder, { recursive: true, force: true });

if (totals.tests === 0) {
  console.error(`Cannot run the tests: none was found in ${(asked.length > 0 ? asked : byDefault).join(', ')}.`);
}
const slowest = [...durations].sort(([, a], [, b]) => b - a).slice(0, 10);
console.log('The slowest files:');
for (const [file, ms] of slowest) console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${file}`);
for (const { file, name } of flaky) console.log(`FLAKY: ${file}: ${name}`);
const tookMs = performance.now() - began;
const isLate = asked.length === 0 && form === undefined && tookMs > BUDGET_MS;
console.log(
  `The whole took ${Math.round(tookMs / 1000)} s${isLate ? `: more than the budget of ${BUDGET_MS / 1000} s` : ''}.`,
);
// One summary for all runs, in the words of node's own.
for (const [name, count] of Object.entries(totals)) console.log(`ℹ ${name} ${count}`);
process.exit(failures.length === 0 && totals.tests > 0 && !isLate ? 0 : 1);

/**
 * What failed beside others is run once more, alone. What passes then is no failure of this run but an open bug, named at the end with
 * both outputs in .ci/flaky.log. Unit tests have no such excuse, nor have more than three files.
 */
function again() {
  const files = [...new Set(failures.map(({ file }) => file))];
  const mayPass = files.every((file) => [...others, ...last].includes(file)) && files.length <= MOST_FLAKY;
  if (files.length === 0 || !mayPass) return [];
  const first = failures.splice(0);
  const log = files.map((file) => {
    console.log(`\nOnce more, alone: ${file}`);
    const before = failures.length;
    run('again', [file], 1, false);
    const second = failures.slice(before);
    const told = (list) => list.map(({ name, output }) => `${name}\n${output}`).join('\n\n');
    const then = second.length === 0 ? 'then it passed' : `then it failed again:\n${told(second)}`;
    return `${file}\n${told(first.filter((one) => one.file === file))}\n\n${then}\n`;
  });
  fs.appendFileSync(join('.ci', 'flaky.log'), `Node ${process.version}\n${log.join('\n')}\n`);
  const passed = first.filter(({ file }) => !failures.some((one) => one.file === file));
  totals.pass += passed.length;
  totals.fail -= passed.length;
  return passed;
}

function list(path) {
  const stats = fs.statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (stats.isFile()) return [path];
  return fs
    .readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(path, name))
    .sort();
}

function longestFirst(list) {
  return [...first.filter((file) => list.includes(file)), ...list.filter((file) => !first.includes(file))];
}

/**
 * Loading tsx takes most unit tests longer than their work, so those of one room share a process. Not so the long ones; nor those of
 * worker/, whose subject is one of a kind in its process; nor those with a hook around each test, which would reach the others' tests.
 */
function together(list) {
  const byRoom = new Map();
  const files = [];
  for (const file of list) {
    const [, , room, name] = file.split('/');
    const isApart =
      first.includes(file) || room === 'worker' || /^(before|after)Each\(/m.test(fs.readFileSync(file, 'utf8'));
    if (isApart || name === undefined) files.push(file);
    else byRoom.set(room, [...(byRoom.get(room) ?? []), file]);
  }
  for (const [room, members] of byRoom) {
    const path = join(folder, `${room}.mjs`);
    fs.writeFileSync(path, members.map((file) => `import '${pathToFileURL(resolve(file))}';\n`).join(''));
    files.push(members.length === 1 ? members[0] : path);
  }
  return files;
}

function run(name, files, concurrency, counts = true) {
  if (files.length === 0) return;
  const plan = join(folder, `${name}.plan.json`);
  const result = join(folder, `${name}.result.json`);
  fs.rmSync(result, { force: true });
  fs.writeFileSync(plan, JSON.stringify({ files, concurrency, timeoutMs: TIMEOUT_MS, flags, result }));
  const args = ['--import', 'tsx', `--test-timeout=${TIMEOUT_MS}`, 'scripts/test-files.mjs', plan];
  const { status } = spawnSync(process.execPath, args, {
    stdio: 'inherit',
    env: { ...process.env, ...(form === undefined ? {} : { TUTTI_TEST: form }) },
  });
  const found = JSON.parse(fs.readFileSync(result, 'utf8'));
  failures.push(...found.failures);
  // It failed, and no test says why.
  if (status !== 0 && found.failures.length === 0)
    failures.push({ file: name, name: 'the run', output: `exit ${status}` });
  if (!counts) return;
  for (const [name, count] of Object.entries(found.totals)) totals[name] += count;
  for (const [file, ms] of Object.entries(found.durations)) durations.set(file, (durations.get(file) ?? 0) + ms);
}
