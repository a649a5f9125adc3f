import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionRelay } from '../../../src/host/connections/connection-relay.ts';
import type { DataPlaneWorker } from '../../../src/host/connections/data-plane-worker.ts';
import type { ToWorker } from '../../../src/protocol/messages.ts';
import type { RawConnection } from '../../../src/protocol/raw-handle.ts';
import { eventually } from '../../support/eventually.ts';

type Adopt = Extract<ToWorker, { cmd: 'NODE_TUTTI_ADOPT' }>;

class TestWorker implements DataPlaneWorker {
  readonly id: number;
  readonly cell: number;
  readonly slot: number;
  readonly offers: Adopt[] = [];
  readonly portSlot = null;
  readonly mayRest = true;
  admitted = true;
  fresh = true;

  constructor(id: number) {
    this.id = id;
    this.cell = id;
    this.slot = id;
  }

  isAdmitted(): boolean {
    return this.admitted;
  }

  readonly generation = 1;
  readonly account = null;
  leaving = false;
  settled = 0;
  readonly asked: number[] = [];

  isDraining(): boolean {
    return this.leaving;
  }

  isLeaving(): boolean {
    return this.leaving;
  }

  isFresh(): boolean {
    return this.fresh;
  }

  silentMs(): number {
    return 0;
  }

  send(message: ToWorker): void {
    if (message.cmd === 'NODE_TUTTI_ADOPT') this.offers.push(message);
    if (message.cmd === 'NODE_TUTTI_SETTLED') this.settled += 1;
    if (message.cmd === 'NODE_TUTTI_PING') this.asked.push(message.id);
  }

  answer(accepted: boolean): void {
    const offer = this.offers.shift();
    assert.ok(offer);
    relay.adopted(this, { cmd: 'NODE_TUTTI_ADOPTED', id: offer.id, accepted });
  }
}

let workers: TestWorker[];
let loads: number[];
let relay: ConnectionRelay;
let closed: number;
let isOpen: boolean;
/** At the scoreboard. */
let looks: number;
let now: () => number;

function client(): RawConnection {
  return {
    close: () => {
      closed += 1;
    },
  };
}

function transfer(from: TestWorker, to: number | null, held: number | null): void {
  relay.transfer(from, { cmd: 'NODE_TUTTI_TRANSFER', key: 'k', to, used: false, held }, client());
}

function rescue(from: TestWorker): void {
  relay.transfer(
    from,
    { cmd: 'NODE_TUTTI_TRANSFER', key: 'k', to: null, used: true, held: null, dying: true },
    client(),
  );
}

function modes({ offers }: TestWorker): string[] {
  return offers.map(({ mode }) => mode);
}

function offered(): number[] {
  return workers.map(({ offers }) => offers.length);
}

const options = () => ({
  holders: () => workers,
  isOpen: () => isOpen,
  workers: () => workers,
  mostParked: 6,
  now: () => now(),
  connections: () => {
    looks += 1;
    return (cell: number) => loads[cell] ?? 0;
  },
});

beforeEach(() => {
  workers = [0, 1, 2].map((id) => new TestWorker(id));
  loads = [0, 0, 0];
  closed = 0;
  isOpen = true;
  looks = 0;
  now = () => performance.now();
  relay = new ConnectionRelay(options());
});

const [A, B, C] = [0, 1, 2].map((i) => () => workers[i] as TestWorker) as [
  () => TestWorker,
  () => TestWorker,
  () => TestWorker,
];

test('a transfer goes to whoever holds least, counting what is on its way', () => {
  loads = [10, 5, 4];
  transfer(A(), null, 10);
  transfer(A(), null, 10);
  assert.deepEqual(offered(), [0, 1, 1]);
});

test('its sender gets it back when nobody holds less', () => {
  loads = [5, 5, 6];
  transfer(A(), null, 5);
  assert.deepEqual(modes(A()), ['offer']);
  A().answer(true);
  assert.equal(closed, 1);
  assert.equal(relay.transferred, 0);
});

test('what comes back to a place that is taken meanwhile goes to whoever has room', () => {
  loads = [5, 6, 5];
  transfer(A(), null, 5);
  assert.deepEqual(modes(A()), ['offer']);
  A().answer(false);
  assert.deepEqual(offered(), [0, 0, 1]);
  C().answer(false);
  assert.deepEqual(modes(B()), ['offer']);
  B().answer(false);
  // Nobody has room: its server decides, as it would alone.
  assert.deepEqual(modes(A()), ['return']);
  A().answer(true);
  assert.deepEqual([closed, relay.transferred], [1, 0]);
});

test('a sender that leaves may refuse what comes back, and hears of the end only then', () => {
  loads = [5, 5, 6];
  transfer(A(), null, 5);
  relay.settle(A());
  assert.equal(A().settled, 0);
  A().answer(false);
  B().answer(true);
  assert.equal(A().settled, 1);
});

test('what could have stayed with a sender that dies does not wait until somebody holds less', () => {
  loads = [1, 5, 6];
  transfer(A(), null, 1);
  assert.deepEqual(offered(), [1, 0, 0]);
  relay.gone(A());
  assert.deepEqual(offered().slice(1), [1, 0]);
  B().answer(true);
  assert.equal(relay.transferred, 1);
});

test('the copy is kept until the answer, and no time changes that', async () => {
  transfer(A(), 1, null);
  await delay(60);
  assert.deepEqual(offered(), [0, 1, 0]);
  assert.equal(closed, 0);
  B().answer(true);
  assert.equal(closed, 1);
});

test('refused, it goes to another; refused by all, back to its sender', () => {
  transfer(A(), 1, null);
  B().answer(false);
  assert.deepEqual(offered(), [0, 0, 1]);
  C().answer(false);
  assert.equal(A().offers[0]?.mode, 'return');
});

test('what a dead worker had not acknowledged goes to another', () => {
  transfer(A(), 1, null);
  relay.gone(B());
  assert.equal(C().offers.length, 1);
  assert.equal(closed, 0);
});

test('when its sender is dead it waits for a worker that can take it', () => {
  B().admitted = false;
  C().admitted = false;
  transfer(A(), null, null);
  const sender = A();
  assert.equal(sender.offers[0]?.mode, 'return');
  sender.admitted = false;
  relay.gone(sender);
  assert.deepEqual(offered().slice(1), [0, 0]);
  B().admitted = true;
  relay.pump();
  assert.deepEqual(offered().slice(1), [1, 0]);
  assert.equal(closed, 0);
});

test('a worker that does not answer is given one connection only; the others go on', () => {
  now = () => 0;
  loads = [20, 0, 15];
  for (let i = 0; i < 5; i += 1) transfer(A(), null, 20);
  // The blocked worker looks idle, but has one to answer for.
  assert.equal(B().offers.length, 1);
  while (C().offers.length > 0) C().answer(true);
  assert.equal(B().offers.length, 1);
  assert.equal(relay.transferred, 4);
});

test('what a full server accepted waits for one that is slow and may have room; it is closed when all are full', async () => {
  let ms = 0;
  now = () => ms;
  transfer(A(), 2, null);
  ms = 50;
  transfer(A(), 1, null);
  const before = looks;
  B().answer(false);
  await eventually('the slow one was looked at again', () => looks > before + 1);
  assert.deepEqual(offered(), [0, 0, 1], 'neither closed nor given to one that may be blocked');
  C().answer(true);
  assert.deepEqual(offered(), [0, 0, 1]);
  C().answer(false);
  assert.deepEqual(offered(), [1, 0, 0]);
});

test('a worker that is quick gets more and more at once', () => {
  now = () => 0;
  loads = [100, 0, 1000];
  for (let i = 0; i < 40; i += 1) transfer(A(), null, 100);
  const seen: number[] = [];
  for (let i = 0; i < 40; i += 1) {
    seen.push(B().offers.length);
    B().answer(true);
  }
  assert.ok(Math.max(...seen) > 8);
  assert.equal(relay.transferred, 40);
});

test('what a dying worker sends goes to the others, and never back', () => {
  rescue(A());
  rescue(A());
  assert.deepEqual(offered(), [0, 1, 1]);
  relay.gone(A());
  for (const worker of [B(), C()]) worker.answer(true);
  assert.equal(relay.transferred, 2);
});

test('a request that runs again goes with its connection to whoever gets it', () => {
  const head = 'GET / HTTP/1.1\r\n\r\n';
  const message = {
    cmd: 'NODE_TUTTI_TRANSFER',
    key: 'k',
    to: null,
    used: true,
    held: null,
    dying: true,
    head,
  } as const;
  relay.transfer(A(), message, client());
  assert.equal(B().offers[0]?.head, head);
  B().answer(false);
  assert.equal(C().offers[0]?.head, head);
});

test('what a dying worker sends waits for the next one, as many as there are descriptors for', () => {
  B().admitted = false;
  C().admitted = false;
  for (let i = 0; i < 8; i += 1) rescue(A());
  assert.deepEqual([offered(), closed], [[0, 0, 0], 2]);
  relay.gone(A());
  B().admitted = true;
  relay.pump();
  while (B().offers.length > 0) B().answer(true);
  assert.equal(relay.transferred, 6);
});

test('what a dying worker sends is closed when the port is', () => {
  B().admitted = false;
  C().admitted = false;
  isOpen = false;
  rescue(A());
  assert.equal(closed, 1);
});

test('nobody who answers nothing is given all that a dying worker had', async () => {
  let ms = 0;
  now = () => ms;
  C().admitted = false;
  for (let i = 0; i < 5; i += 1) rescue(A());
  ms = 1000;
  relay.gone(A());
  relay.pump();
  assert.equal(B().offers.length, 1);
  while (B().offers.length > 0) B().answer(true);
  assert.equal(relay.transferred, 5);
});

test('where all are full, one takes what a dying worker sends and lets its server decide', () => {
  rescue(A());
  B().answer(false);
  C().answer(false);
  assert.equal(B().offers[0]?.mode, 'must');
  // It does not listen any more.
  B().answer(false);
  assert.equal(C().offers[0]?.mode, 'must');
  C().answer(true);
  assert.equal(relay.transferred, 1);
});

test('a thousand connections of a dying worker cost a few looks each', () => {
  relay = new ConnectionRelay({ ...options(), mostParked: 2000 });
  now = () => 0;
  for (let i = 0; i < 1000; i += 1) rescue(A());
  for (let turn = 0; B().offers.length + C().offers.length > 0; turn += 1) {
    const worker = turn % 2 === 0 ? B() : C();
    if (worker.offers.length > 0) worker.answer(true);
  }
  assert.equal(relay.transferred, 1000);
  assert.ok(looks < 5000, `${looks} looks`);
});

test('targets that are not admitted or gave no sign of life are passed over', () => {
  B().fresh = false;
  C().admitted = false;
  transfer(A(), 1, null);
  assert.deepEqual(offered(), [1, 0, 0]);
});

test('round-robin: one at a time to each, the least recent first; the rest waits', () => {
  for (let i = 0; i < 5; i += 1) relay.dispatch('k', client());
  assert.deepEqual(offered(), [1, 1, 1]);
  B().answer(true);
  assert.deepEqual(offered(), [1, 1, 1]);
  relay.gone(C());
  workers.pop();
  A().answer(true);
  A().answer(true);
  B().answer(true);
  assert.equal(closed, 4);
  assert.equal(A().offers.length + B().offers.length, 1);
  relay.close();
  assert.equal(closed, 5);
});

test('when everybody drains, a connection that the primary accepted goes to one of them', () => {
  for (const worker of workers) {
    worker.admitted = false;
    worker.leaving = true;
  }
  relay.dispatch('k', client());
  assert.deepEqual(offered(), [1, 0, 0]);
  assert.equal(workers[0]?.offers[0]?.mode, 'return');
});

test('a socket that closes: all that waits for a worker is handed out at once', () => {
  for (let count = 0; count < 9; count += 1) relay.dispatch('k', client());
  assert.deepEqual(offered(), [1, 1, 1]);
  for (const worker of workers) worker.leaving = true;
  relay.handOut('k');
  assert.deepEqual(offered(), [3, 3, 3]);
  assert.equal(closed, 0);
});

test('a socket that closes when nobody lives: clients are told by the end of their connection', () => {
  for (const worker of workers) worker.admitted = false;
  relay.dispatch('k', client());
  relay.handOut('k');
  assert.equal(closed, 1);
});

test('a sender that leaves hears when nothing of its can come back any more', () => {
  transfer(A(), null, null);
  relay.settle(A());
  assert.equal(A().settled, 0);
  B().answer(false);
  C().answer(false);
  // Back with its sender, which hears of it only after it.
  assert.equal(A().offers.length, 1);
  assert.equal(A().settled, 1);
  A().answer(true);
  relay.settle(A());
  assert.equal(A().settled, 2);
});

test('a transfer of one who ended goes to a worker that still drains', () => {
  transfer(A(), null, null);
  for (const worker of workers) {
    worker.admitted = false;
    worker.leaving = true;
  }
  B().answer(false);
  A().answer(false);
  assert.equal(C().offers[0]?.mode, 'return');
});

test('beyond what may wait, what the primary accepted is closed', () => {
  for (let count = 0; count < 3 + 6; count += 1) relay.dispatch('k', client());
  assert.equal(closed, 0);
  relay.dispatch('k', client());
  assert.equal(closed, 1);
  B().answer(true);
  relay.dispatch('k', client());
  assert.equal(closed, 2, 'the one that B took is closed here, the new one waits');
});

test('what a worker without a free descriptor lost goes to another', () => {
  let at = 0;
  now = () => at;
  relay.dispatch('k', client());
  const id = workers[0]?.offers.shift()?.id ?? 0;
  relay.askForLost();
  assert.deepEqual(A().asked, []);
  at = 2000;
  relay.askForLost();
  relay.askForLost();
  assert.deepEqual(A().asked, [id]);
  relay.lost(A(), id);
  assert.deepEqual(offered(), [0, 1, 0]);
  relay.lost(B(), B().offers[0]?.id ?? 0);
  assert.deepEqual(offered(), [0, 1, 0], 'nobody has asked B');
});
