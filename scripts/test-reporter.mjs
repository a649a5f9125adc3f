// node's own spec reporter without its summary, which goes into the file TEST_TOTALS with what test.mjs needs besides: how long each
// file took, and what failed in which.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';
import { inspect } from 'node:util';

const line = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

export default async function* report(source) {
  const totals = {};
  const durations = {};
  const failures = [];
  const note = ({ type, data }) => {
    if (type !== 'test:pass' && type !== 'test:fail') return;
    const file = data.file === undefined ? data.name : relative(process.cwd(), data.file);
    if (data.nesting === 0) durations[file] = (durations[file] ?? 0) + data.details.duration_ms;
    // A suite fails with a test in it: that test says why.
    const isSuite = data.details.error?.failureType === 'subtestsFailed';
    if (type === 'test:fail' && !isSuite && !data.todo) {
      failures.push({ file, name: data.name, output: inspect(data.details.error) });
    }
  };
  const withoutSummary = async function* () {
    for await (const event of source) {
      const found = event.type === 'test:diagnostic' && event.data.nesting === 0 ? line.exec(event.data.message) : null;
      if (found !== null) totals[found[1]] = Number(found[2]);
      else {
        note(event);
        yield event;
      }
    }
  };
  yield* Readable.from(withoutSummary()).pipe(new spec());
  writeFileSync(process.env.TEST_TOTALS, JSON.stringify({ totals, durations, failures }));
}
