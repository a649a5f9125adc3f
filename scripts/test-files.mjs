// Runs test files as `node --test` does, but in the order in which they are given: that sorts them by name. Prints as node's own spec
// reporter does, without its summary, which goes into a file with what test.mjs needs besides: how long each file took, and what failed in which.
//   node --import tsx scripts/test-files.mjs <plan.json>      the plan: { files, concurrency, timeoutMs, flags, result }
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { inspect } from 'node:util';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const line = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;
const totals = {};
const durations = {};
const failures = [];

function note({ type, data }) {
  if (type !== 'test:pass' && type !== 'test:fail') return;
  const file = data.file === undefined ? data.name : relative(process.cwd(), data.file);
  if (data.nesting === 0) durations[file] = (durations[file] ?? 0) + data.details.duration_ms;
  // A suite fails with a test in it: that test says why.
  const isSuite = data.details.error?.failureType === 'subtestsFailed';
  if (type === 'test:fail' && !isSuite && !data.todo) {
    failures.push({ file, name: data.name, output: inspect(data.details.error) });
  }
}

async function* withoutSummary(events) {
  for await (const event of events) {
    const found = event.type === 'test:diagnostic' && event.data.nesting === 0 ? line.exec(event.data.message) : null;
    if (found !== null) totals[found[1]] = Number(found[2]);
    else {
      note(event);
      yield event;
    }
  }
}

const { files, concurrency, timeoutMs: timeout, flags } = plan;
// Given to this process, they would choose among the files. Node 20 knows no `execArgv` here, and hands on what this process has.
process.execArgv.push(...flags);
for await (const text of run({ files, concurrency, timeout, execArgv: flags })
  .compose(withoutSummary)
  .compose(new spec())) {
  process.stdout.write(text);
}
writeFileSync(plan.result, JSON.stringify({ totals, durations, failures }));
