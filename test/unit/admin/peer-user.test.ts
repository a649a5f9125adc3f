import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import process from 'node:process';
import { test } from 'node:test';
import { refusalOf } from '../../../src/admin/server/gate.ts';
import { isOwnUser } from '../../../src/admin/server/peer-user.ts';

async function connection(host: string): Promise<{ ends: Parameters<typeof isOwnUser>[0]; close: () => void }> {
  const server = createServer();
  await once(server.listen(0, host), 'listening');
  const from = connect((server.address() as AddressInfo).port, host === '::' ? '127.0.0.1' : host);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket;
  const close = () => {
    from.destroy();
    socket.destroy();
    server.close();
  };
  return { ends: { remoteAddress, remotePort, localAddress, localPort }, close };
}

test('the user at the other end of a connection is known, over IPv4 and IPv6', async () => {
  for (const host of ['127.0.0.1', '::1', '::']) {
    const { ends, close } = await connection(host);
    assert.equal(await isOwnUser(ends), true, host);
    // Nobody holds the other end of a connection that is none.
    if (process.platform === 'linux') assert.equal(await isOwnUser({ ...ends, localPort: 1 }), false);
    close();
  }
});

test('on loopback another user may measure and probe, and reads with the token only', async () => {
  const asked = (access: 'open' | 'measure' | 'read' | 'control', authorization?: string) => ({
    headers: { host: 'localhost:9400', ...(authorization && { authorization }) },
    ...{ method: 'GET', path: '/', access },
  });
  const door = { type: 'tcp', loopback: true, hosts: [] } as const;
  const status = async (access: Parameters<typeof asked>[0], isOwn: boolean, authorization?: string) =>
    (await refusalOf(asked(access, authorization), door, 'secret', async () => isOwn)) === null;
  assert.deepEqual(
    await Promise.all((['open', 'measure', 'read', 'control'] as const).map((one) => status(one, false))),
    [...[true, true, false, false]],
  );
  assert.deepEqual(
    await Promise.all((['open', 'measure', 'read', 'control'] as const).map((one) => status(one, true))),
    [...[true, true, true, false]],
  );
  assert.equal(await status('read', false, 'Bearer secret'), true);
  assert.equal(await status('control', false, 'Bearer secret'), true);
});
