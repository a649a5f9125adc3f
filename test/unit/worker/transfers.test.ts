// What becomes of a connection that a worker takes over while the primary dies.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { RawConnection } from '../../../src/protocol/raw-handle.ts';
import type { Sent } from '../../../src/worker/channel.ts';
import { Transfers } from '../../../src/worker/connections/transfers.ts';
import { guarded } from '../../../src/worker/guard.ts';
import { ListenHandle } from '../../../src/worker/listen/listen-handle.ts';
import { eventually } from '../../support/eventually.ts';

const adopt = { cmd: 'NODE_TUTTI_ADOPT', id: 1, key: 'k', used: false, mode: 'must' } as const;
const server = net.createServer();

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.close();
});

/** A connection that is offered to a worker, whose answer is still on its way when `sent` has it. */
async function offered(): Promise<{
  transfers: Transfers;
  client: RawConnection;
  served: unknown[];
  sent: Sent;
  [Symbol.dispose](): void;
}> {
  const outside = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  const client = (accepted as unknown as { _handle: RawConnection })._handle;
  const served: unknown[] = [];
  const nothing = guarded('nothing', () => {});
  const listener = new ListenHandle({
    ...{ key: 'k', real: null, errno: 0, name: null, dispatched: true },
    ...{ isOpen: () => true, onAccept: () => {}, onListening: nothing, onClose: nothing },
  });
  listener.onconnection = (_status, connection) => served.push(connection);
  listener.listen(1);
  let sent: Sent | undefined;
  const transfers = new Transfers({
    ...{
      balance: 'least-connections',
      transfer: 'idle',
      replay: { mode: 'safe', except: [] },
      seat: null,
      listenerOf: () => listener,
    },
    send: (_message, _handle, callback) => {
      sent = callback;
    },
  });
  transfers.adopt(adopt, listener, false, client);
  assert.ok(sent);
  return {
    ...{ transfers, client, served, sent },
    [Symbol.dispose]() {
      listener.close();
      accepted.destroy();
      outside.destroy();
    },
  };
}

describe('a connection that is taken over', () => {
  it('is served once the answer has left', async () => {
    using offer = await offered();
    assert.deepEqual([offer.served, offer.transfers.leaving], [[], 1]);
    offer.sent(null);
    assert.deepEqual([offer.served, offer.transfers.leaving], [[offer.client], 0]);
  });

  it('is served, once, when the primary dies before the answer could leave', async () => {
    using offer = await offered();
    offer.transfers.abandon();
    assert.equal(offer.transfers.leaving, 0);
    await eventually('it is served', () => offer.served.length > 0);
    offer.sent(Object.assign(new Error('closed'), { code: 'ERR_IPC_CHANNEL_CLOSED' }));
    assert.deepEqual(offer.served, [offer.client]);
  });

  it('is served when the answer meets a closed channel', async () => {
    using offer = await offered();
    offer.sent(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
    assert.deepEqual([offer.served, offer.transfers.leaving], [[offer.client], 0]);
  });

  it('is closed when the answer cannot be sent to a primary that lives', async () => {
    using offer = await offered();
    offer.sent(new TypeError('no message'));
    assert.deepEqual([offer.served, offer.transfers.leaving], [[], 0]);
  });
});
