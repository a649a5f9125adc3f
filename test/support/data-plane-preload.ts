// The smallest preload that has a data plane: for tests of the data plane alone, beside a primary that decides nothing.

import { BOOT_VARIABLE, type BootInfo, type ToWorker } from '../../src/protocol/messages.ts';
import { installDataPlane } from '../../src/worker/data-plane.ts';

const boot = JSON.parse(process.env[BOOT_VARIABLE] ?? '') as BootInfo;
delete process.env[BOOT_VARIABLE];
const send = process.send?.bind(process) as (message: object, ...rest: unknown[]) => boolean;
let pending = 0;
const listeners = new Map<object, object>();

const plane = installDataPlane({
  boot,
  send: (message, handle, callback) => void send(message, handle, {}, callback ?? (() => {})),
  readiness: {
    listenPending: () => {
      pending += 1;
    },
    listenSettled: (key, listener) => {
      pending -= 1;
      if (listener !== null) listeners.set(key, listener);
      if (pending === 0) send({ cmd: 'NODE_TUTTI_LISTENING', listeners: [...listeners.values()] });
    },
    closed: (key) => {
      listeners.delete(key);
      if (listeners.size === 0) send({ cmd: 'NODE_TUTTI_CLOSED' });
    },
  },
});
send({ cmd: 'NODE_TUTTI_HELLO', selfTest: plane.selfTest });
process.on('internalMessage' as 'message', (message: unknown, handle: unknown) => {
  const received = message as ToWorker;
  if (plane.onMessage(received, handle)) return;
  if (received.cmd === 'NODE_TUTTI_ADMIT') plane.admit();
  if (received.cmd === 'NODE_TUTTI_DRAIN') plane.stopAccepting();
});
setInterval(() => send({ cmd: 'NODE_TUTTI_HEARTBEAT' }), boot.heartbeatMs).unref();
process.channel?.unref();
