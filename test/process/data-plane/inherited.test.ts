// listen({ fd }): a descriptor that tutti inherited is shared by all workers; tutti's own are out of reach.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import '../../support/own-home.ts';
import { binPath, nodePath, root } from '../../support/rig.ts';

const fixture = join(root, 'test/fixtures/data-plane/inherited.cjs');

function run(descriptor: number, env: Record<string, string>): { primary: ChildProcess; stderr: () => string } {
  const primary = spawn(
    nodePath,
    [binPath, 'run', fixture, '--workers', '2', '--name', `fd-${process.pid}-${descriptor}`],
    {
      stdio: ['ignore', 'ignore', 'pipe', descriptor],
      env: { ...process.env, ...env },
    },
  );
  let text = '';
  primary.stderr?.on('data', (data) => {
    text += data;
  });
  return { primary, stderr: () => text };
}

async function withListener(
  play: (port: number, descriptor: number, close: () => void) => Promise<void>,
): Promise<void> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  try {
    await play(port, fd, () => server.close());
  } finally {
    server.close();
  }
}

test('an inherited listening socket is served by all workers', async () => {
  await withListener(async (port, descriptor, close) => {
    const { primary } = run(descriptor, {});
    // From now on only the heirs accept.
    close();
    try {
      const seen = new Set<string>();
      await eventually('both answer', async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => fetch({ port })));
        for (const { body } of answers) seen.add(body);
        return seen.size === 2;
      });
    } finally {
      primary.kill('SIGTERM');
      await once(primary, 'exit');
    }
  });
});

test('a descriptor of tutti’s own cannot be listened on', async () => {
  await withListener(async (_port, descriptor) => {
    for (const fd of ['4', '18']) {
      const { primary, stderr } = run(descriptor, { FD: fd });
      await once(primary, 'exit');
      assert.match(stderr(), /cannot listen: listen EINVAL: invalid argument/, `descriptor ${fd}: ${stderr()}`);
    }
  });
});
