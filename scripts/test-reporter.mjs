// node's own spec reporter without its summary, which goes into the file TEST_TOTALS: test.mjs adds the runs up.
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';

const line = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

export default async function* report(source) {
  const totals = {};
  const withoutSummary = async function* () {
    for await (const event of source) {
      const found = event.type === 'test:diagnostic' && event.data.nesting === 0 ? line.exec(event.data.message) : null;
      if (found === null) yield event;
      else totals[found[1]] = Number(found[2]);
    }
  };
  yield* Readable.from(withoutSummary()).pipe(new spec());
  writeFileSync(process.env.TEST_TOTALS, JSON.stringify(totals));
}
