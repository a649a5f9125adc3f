// What nobody caught in the supervisor itself: it says why, its workers finish what they have, and nothing is left alone.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually, within } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';

/** For every Node of the app; in the supervisor alone something fails as soon as a file is there. */
function environment(cli: Cli, how: string): { env: Record<string, string>; fail: () => void } {
  const file = join(cli.dir, 'now');
  const hook = cli.write(
    'hook.cjs',
    `const { existsSync } = require('node:fs');
if (/(bin|background)\\.js$/.test(process.argv[1])) {
  const file = ${JSON.stringify(file)};
  const timer = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(timer);
    ${how}
  }, 20).unref();
}
`,
  );
  return { env: { NODE_OPTIONS: `--require ${hook}` }, fail: () => writeFileSync(file, '') };
}

describe('an error that nobody catches in the supervisor', () => {
  for (const [what, how] of [
    ['thrown', "throw new Error('out of the blue');"],
    ['rejected', "Promise.reject(new Error('out of the blue'));"],
  ] as const) {
    it(`${what} under tutti run: requests in flight are answered, exit code 70`, async () => {
      await using cli = await openCli();
      const { env, fail } = environment(cli, how);
      const run = cli.begin(['run', cli.fixture('slow-response.cjs'), '-n', 'web', '-i', '2'], { env });
      await eventually('it serves', () => fetch({ port: cli.port, path: '/?ms=1' }));
      const slow = fetch({ port: cli.port, path: '/?ms=1500' });
      await eventually('the request is in flight', async () =>
        (await cli.snapshot('web')).workers.some(({ activeRequests }) => activeRequests > 0),
      );
      fail();
      assert.equal((await slow).status, 200);
      const { code, stderr } = await within('tutti run to end', run.finished, 60_000);
      assert.equal(code, 70, stderr);
      assert.match(stderr, /tutti itself has failed, and ends when its workers have finished .*out of the blue/);
      // What watches over orphans has seen its end a moment later.
      await eventually('nothing of it is left', () => cli.processes().length === 0);
    });
  }

  it('in the background its workers serve on, and start another one, on a unix socket too', async () => {
    await using cli = await openCli();
    const { env, fail } = environment(cli, `require('node:fs').rmSync(file);throw new Error('out of the blue');`);
    const path = join(cli.dir, 'web.sock');
    const places = cli.write('places', [cli.port, path].join('\n'));
    await cli.ok(['start', cli.fixture('places.cjs'), '-n', 'web', '-i', '2', '--canary-time', '0'], {
      env: { ...env, PLACES: places },
    });
    fail();
    let isOver = false;
    const left = eventually('its workers have left', () =>
      /the last worker of the supervisor .* has left/.test(cli.logs()),
    ).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      for (const where of [{ port: cli.port }, { socketPath: path }]) assert.equal((await fetch(where)).status, 200);
    }
    await left;
    assert.match(cli.logs(), /tutti itself has failed, and leaves the app to its workers: .*out of the blue/);
    assert.match(cli.logs(), /ended with exit code 70/);
  });

  it('in the background, with orphan drain: the same as under tutti run, and it is in the log', async () => {
    await using cli = await openCli();
    const { env, fail } = environment(cli, "throw new Error('out of the blue');");
    await cli.ok(['start', cli.fixture('slow-response.cjs'), '-n', 'web', '-i', '2', '--orphan', 'drain'], { env });
    const slow = fetch({ port: cli.port, path: '/?ms=1500' });
    await eventually('the request is in flight', async () =>
      (await cli.snapshot('web')).workers.some(({ activeRequests }) => activeRequests > 0),
    );
    fail();
    assert.equal((await slow).status, 200);
    await eventually('nothing of it is left', () => cli.processes().length === 0);
    assert.match(cli.logs(), /tutti itself has failed, .*out of the blue/);
    assert.match(cli.logs(), /ended with exit code 70/);
  });
});
