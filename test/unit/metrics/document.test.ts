import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { metricsDocument } from '../../../scripts/docs/metrics.ts';
import { families } from '../../../src/metrics/families.ts';

test('docs/metrics.md is what the table of families says', () => {
  const written = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  assert.equal(written, metricsDocument(), 'run: npm run docs');
});

test('names follow the rules of Prometheus: base units, _total for counters only', () => {
  for (const [name, family] of Object.entries(families)) {
    assert.match(name, /^tutti_[a-z0-9_]+$/);
    assert.equal(name.endsWith('_total'), family.type === 'counter', name);
    assert.doesNotMatch(name, /_(ms|milliseconds|percent|kb|mb)(_|$)/);
    assert.match(family.help, /\.$/);
  }
});
