// What an application does with its servers' handles and with descriptors of its own works as under plain node, or is refused in
// words; a worker never dies of it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { Balance } from '../../../src/protocol/balance.ts';
import { DataPlaneRig } from '../../support/data-plane-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import type { RigWorker } from '../../support/worker-rig.ts';

interface Scene {
  rig: DataPlaneRig;
  port: number;
  worker: RigWorker;
  another(): Promise<RigWorker>;
}

async function scene(balance: Balance, play: (scene: Scene) => Promise<void>, gated = false): Promise<void> {
  await using rig = new DataPlaneRig(balance);
  const port = await freePort();
  const options = { fixture: 'data-plane/hands-on.cjs', env: { PORT: String(port) }, gated };
  const worker = await rig.start({ ...options, ready: !gated });
  if (gated) await eventually('it listens', () => worker.listeners);
  await play({ rig, port, worker, another: () => rig.start(options) });
}

async function does(worker: RigWorker, what: string): Promise<unknown> {
  const before = worker.said.length;
  worker.tell({ do: what });
  const said = await eventually(
    `${what} comes to something`,
    () => worker.said[before] as { outcome: unknown } | undefined,
  );
  return said.outcome;
}

async function ask(port: number): Promise<string> {
  const [data] = (await once(connect(port, '127.0.0.1'), 'data')) as [Buffer];
  return String(data);
}

for (const gated of [false, true]) {
  test(`a server ${gated ? 'that does not accept yet ' : ''}is given to a child process, which accepts too`, async () => {
    await scene(
      'kernel',
      async ({ rig, port, worker }) => {
        assert.equal(await does(worker, 'server'), 'child has it');
        await eventually('the child answers', async () => /^child/.test(await ask(port)));
        if (gated) rig.admit(worker);
        await eventually('the worker answers', async () => (await ask(port)) === `worker ${worker.pid}`);
      },
      gated,
    );
  });
}

test('a server is given to a child process as its stdio', async () => {
  await scene('kernel', async ({ worker }) => assert.equal(await does(worker, 'stdio'), 'child ended with 0'));
});

test('other children are started as under plain node', async () => {
  await scene('kernel', async ({ worker }) => {
    // The first child makes tutti look at how children are started.
    for (let i = 0; i < 2; i++) assert.equal(await does(worker, 'tampered'), 'child ended with 0');
    assert.equal(await does(worker, 'noOptions'), 'ERR_INVALID_ARG_TYPE');
  });
});

test('what cannot be given is refused in words, and the worker goes on', async () => {
  await scene('round-robin', async ({ port, worker }) => {
    for (const what of ['server', 'stdio', 'primary']) {
      assert.match(
        String(await does(worker, what)),
        /^ERR_TUTTI_NO_SOCKET Cannot give this server to another process/,
        what,
      );
    }
    assert.equal(await ask(port), `worker ${worker.pid}`);
  });
});

for (const balance of ['kernel', 'round-robin'] satisfies Balance[]) {
  test(`${balance}: a descriptor of the worker's own is its own`, async () => {
    await scene(balance, async ({ worker }) => {
      assert.equal(await ask(Number(await does(worker, 'own'))), 'own');
      assert.equal(await does(worker, 'dgram'), 'same');
    });
  });

  test(`${balance}: exclusive on any port or on a pipe is each worker's own, and ends with its drain`, async () => {
    await scene(balance, async ({ rig, worker, another }) => {
      const other = await another();
      const ports = [await does(worker, 'exclusive'), await does(other, 'exclusive')];
      assert.notEqual(ports[0], ports[1]);
      const path = await does(worker, 'pipe');
      assert.equal(path, `${rig.dir}/${worker.pid}.sock`);
      const isOpen = (where: string | number) =>
        new Promise((done) => {
          const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where);
          socket.once('connect', () => done(true)).once('error', () => done(false));
          socket.once('connect', () => socket.destroy());
        });
      for (const where of [ports[0] as number, path as string]) assert.equal(await isOpen(where), true);
      rig.drain(worker);
      await eventually('it is drained', () => worker.drained);
      for (const where of [ports[0] as number, path as string]) assert.equal(await isOpen(where), false);
      assert.equal(await isOpen(ports[1] as number), true);
    });
  });
}
