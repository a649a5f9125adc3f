// Promise: workers that listen on different ports because each finds its siblings in its way are told, and a reload to such a worker fails
// instead of taking the service away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/port-clients.ts';
import { fixture, startSupervised } from '../support/supervised.ts';

for (const way of ['bind', 'connect'] as const) {
  test(`a program that looks for a free port (${way}): one warning, and a reload fails with the reason`, async (t) => {
    const port = await freePort();
    // One after the other, so that each finds those before it.
    const app = await startSupervised(t, {
      entry: fixture('finds-port.cjs'),
      workers: 1,
      env: { PORT: String(port), WAY: way },
    });
    await app.app.scale(3);
    const told = () => app.events.filter(({ type }) => type === 'ports-differ');
    await eventually('the warning', () => told().length > 0);
    const [warning] = told();
    assert.ok(warning?.type === 'ports-differ');
    assert.equal(warning.wanted, port);
    const result = await app.app.reload();
    assert.ok(result.outcome === 'failed');
    assert.match(result.reason, new RegExp(`instead of ${port}, where it found its own app.*fixed`));
    assert.match((await ask(port)).text, /^\d+\n$/);
    assert.equal(told().length, 1);
  });
}
