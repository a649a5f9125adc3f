// With little to do only some of many workers accept. Clients must not notice: whatever happens to those that do, others take over.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { PrimaryDataPlane } from '../../../src/host/connections/primary-data-plane.ts';
import { monotonicMs } from '../../../src/host/monotonic.ts';
import { DataPlaneRig, type StartOptions } from '../../support/data-plane-rig.ts';
import { eventually, within } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import { freePort } from '../../support/free-port.ts';
import { processInfo } from '../../support/processes.ts';
import { connect, type RawClient } from '../../support/raw-client.ts';
import type { RigWorker } from '../../support/worker-rig.ts';

const skip = existsSync('/proc/net/tcp') ? false : 'who accepts is read from /proc';
const WORKERS = 6;
const ACCEPTORS = 4;

interface Rested {
  port: number;
  workers: RigWorker[];
  acceptors: RigWorker[];
  resting: RigWorker[];
}

/** What a worker runs; `server`: what the fixture is told besides. */
function serves(port: number, server: object = {}): StartOptions {
  return { fixture: 'data-plane/serves.cjs', args: [JSON.stringify({ listen: [[port]], ...server })] };
}

/** Six workers, of which two rest by now. */
async function rest(rig: DataPlaneRig, server: object = {}): Promise<Rested> {
  const port = await freePort();
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => rig.start(serves(port, server))));
  const acceptors = () => workers.filter((worker) => accepts(worker, port));
  await eventually('two workers rest', () => acceptors().length === ACCEPTORS);
  return { port, workers, acceptors: acceptors(), resting: workers.filter((worker) => !accepts(worker, port)) };
}

/** Whether the process has a descriptor of a socket that listens on the port. */
function accepts({ pid }: RigWorker, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const listening = new Set<string>();
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A') listening.add(`socket:[${fields[9]}]`);
    }
  }
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return listening.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false; // closed while we looked
    }
  });
}

async function pids(port: number, count = 40): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => fetch({ port })));
  return answers.map(({ body }) => Number(body));
}

test('a resting worker’s server listens as ever, and the connections that last are even', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, resting } = await rest(rig);
  for (const worker of resting) {
    worker.tell({ do: 'listening' });
    const { is, address } = await worker.hears<{ is?: boolean; address?: { port: number } }>('it', (m) => 'is' in m);
    assert.equal(is, true);
    assert.equal(address?.port, port);
  }
  const agents = Array.from({ length: 48 }, () => new Agent({ keepAlive: true }));
  try {
    const spread = async () => {
      const held = new Map<string, number>();
      const answers = await Promise.all(agents.map((agent) => fetch({ port, agent })));
      for (const { body } of answers) held.set(body, (held.get(body) ?? 0) + 1);
      return held;
    };
    await spread();
    await eventually('all hold about as many', async () => {
      const held = await spread();
      return held.size === WORKERS && Math.max(...held.values()) <= 9;
    });
  } finally {
    for (const agent of agents) agent.destroy();
  }
});

test('all that accept are killed at once: the others take over, and nobody who waits is lost', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, acceptors, resting } = await rest(rig);
  for (const worker of acceptors) process.kill(worker.pid, 'SIGSTOP');
  const waiting = pids(port);
  for (const worker of acceptors) process.kill(worker.pid, 'SIGKILL');
  const served = await within('all are served', waiting);
  assert.deepEqual(new Set(served), new Set(resting.map(({ pid }) => pid)));
});

test('all that accept stand still: the others take over, and rest again when they go on', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, acceptors, resting } = await rest(rig);
  for (const worker of acceptors) process.kill(worker.pid, 'SIGSTOP');
  try {
    for (let i = 0; i < 10; i++) {
      const { body } = await within('it is served', fetch({ port }));
      assert.ok(resting.some(({ pid }) => String(pid) === body));
    }
  } finally {
    for (const worker of acceptors) process.kill(worker.pid, 'SIGCONT');
  }
  await eventually('they rest again', () => !resting.some((worker) => accepts(worker, port)));
  assert.equal((await pids(port)).length, 40);
});

test('all that accept drain: nothing is lost on the way', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, acceptors, resting } = await rest(rig);
  let stop = false;
  const load = Array.from({ length: 8 }, async () => {
    while (!stop) assert.equal((await fetch({ port })).status, 200);
  });
  for (const worker of acceptors) rig.drain(worker);
  for (const worker of acceptors) await eventually('it is drained', () => worker.drained);
  stop = true;
  await within('the load ends', Promise.all(load));
  const allowed = new Set(resting.map(({ pid }) => pid));
  for (const pid of await pids(port)) assert.ok(allowed.has(pid));
});

test('all that accept are blocked: the others help before anybody would be missed', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, acceptors, resting } = await rest(rig);
  // Not for so long that they would be missed.
  for (const worker of acceptors) {
    worker.tell({ do: 'block', ms: 2400 });
    await worker.hears('that it is blocked', (message) => 'blocked' in message);
  }
  const { body } = await fetch({ port });
  assert.ok(resting.some(({ pid }) => String(pid) === body));
});

test('after a change to kernel nobody rests', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, workers } = await rest(rig);
  const successors = await Promise.all(
    Array.from({ length: WORKERS }, () => rig.start({ ...serves(port), balance: 'kernel' })),
  );
  for (const worker of workers) await rig.kill(worker);
  const since = monotonicMs();
  await eventually('somebody would rest by now', () =>
    successors.every(({ process }) => process.heardAt > since + 2000),
  );
  for (const worker of successors) assert.ok(accepts(worker, port));
});

test('a server that is full does not turn clients away while those who rest have room', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, workers } = await rest(rig, { most: 5, holds: true });
  let count = 0;
  const sum = async (what: 'open' | 'held') => {
    const each = workers.map(async (worker) => {
      const asked = ++count;
      worker.tell({ do: 'count', count: asked });
      return (await worker.hears<{ count: number; open: number; held: number }>('it', (m) => m.count === asked))[what];
    });
    return (await Promise.all(each)).reduce((total, one) => total + one, 0);
  };
  /** So many at once, answered when each of them is there or turned away. Answers how many were. */
  const come = async (clients: number) => {
    let turnedAway = 0;
    const answers = Array.from({ length: clients }, () => fetch({ port }).catch(() => void turnedAway++));
    await eventually('all have come or gone', async () => (await sum('held')) + turnedAway === clients);
    for (const worker of workers) worker.tell({ do: 'answer' });
    await Promise.all(answers);
    // A client knows of the end before the server does, where it takes room until then.
    await eventually('the servers know that they are closed', async () => (await sum('open')) === 0);
    return turnedAway;
  };
  for (let wave = 0; wave < 10; wave++) assert.equal(await come(22), 0);
  assert.equal(await come(60), 30);
});

test('a client that comes back when its place is taken goes to a sibling with room', async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { plane } = rig;
  const port = await freePort();
  const start = () => rig.start(serves(port, { kind: 'net', most: 2 }));
  const [full, roomy] = [await start(), await start()];
  const clients: RawClient[] = [];
  const comes = async () => {
    const client = await connect(port);
    clients.push(client);
    client.send('hello');
    return client;
  };
  const isServedBy = ({ pid }: RigWorker, client: RawClient) =>
    client.until(`the answer of ${pid}`, ({ text }) => text === `${pid} hello`);
  const asleep = async ({ pid }: RigWorker, meanwhile: () => Promise<void>) => {
    process.kill(pid, 'SIGSTOP');
    await eventually('it stands still', () => processInfo(pid)?.state === 'T');
    await meanwhile();
    process.kill(pid, 'SIGCONT');
  };
  const enters = async (worker: RigWorker) => isServedBy(worker, await comes());
  try {
    await asleep(roomy, () => enters(full));

    // It has one more than its sibling, and passes on the next.
    const kept: (() => void)[] = [];
    plane.message = (...told) => {
      const [, { cmd }] = told;
      if (cmd !== 'NODE_TUTTI_TRANSFER') return PrimaryDataPlane.prototype.message.apply(plane, told);
      kept.push(() => PrimaryDataPlane.prototype.message.apply(plane, told));
    };
    await asleep(roomy, async () => {
      await comes();
      await eventually('it is passed on', () => kept.length === 1);
    });

    // By now the sibling has as many, so it comes back …
    await asleep(full, () => enters(roomy));
    const send = full.process.send.bind(full.process);
    const back: (() => void)[] = [];
    full.process.send = (...told) => {
      if (told[0].cmd !== 'NODE_TUTTI_ADOPT') return send(...told);
      return back.push(() => send(...told)) > 0;
    };
    Reflect.deleteProperty(plane, 'message');
    kept[0]?.();
    assert.equal(back.length, 1);

    // … and meets somebody in its place.
    await asleep(roomy, () => enters(full));
    const since = monotonicMs();
    await eventually('the sibling is awake', () => roomy.process.heardAt > since);
    Reflect.deleteProperty(full.process, 'send');
    back[0]?.();
    await isServedBy(roomy, clients[1] as RawClient);
  } finally {
    for (const client of clients) client.destroy();
  }
});

test('who is told to rest before its copy of the socket comes does not accept from it', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const port = await freePort();
  const worker = await rig.start({ ...serves(port), gated: true, ready: false });
  const { process } = worker;
  const replies: string[] = [];
  const send = process.send.bind(process);
  process.send = (message, ...rest) => {
    if (message.cmd === 'NODE_TUTTI_LISTEN_REPLY') replies.push(message.key);
    return send(message, ...rest);
  };
  await eventually('it listens', () => worker.listeners);
  const [key = ''] = replies;
  process.send({ cmd: 'NODE_TUTTI_ADMIT', slot: 0 });
  process.send({ cmd: 'NODE_TUTTI_REST', key });
  await eventually('it has its copy', () => replies.length === 2);
  worker.tell({ do: 'listening' });
  const { is } = await worker.hears<{ is?: boolean }>('it', (message) => 'is' in message);
  assert.equal(is, true);
  assert.equal(accepts(worker, port), false);
});

test('a resting worker that closed its server is not asked to accept', { skip }, async () => {
  await using rig = new DataPlaneRig('least-connections');
  const { port, resting, acceptors } = await rest(rig);
  const [first] = resting as [RigWorker];
  first.tell({ do: 'close' });
  const { closed } = await first.hears<{ closed?: string }>('the end', (message) => 'closed' in message);
  assert.equal(closed, 'ok');
  for (const worker of acceptors) await rig.kill(worker);
  assert.deepEqual(new Set(await within('all are served', pids(port))), new Set([resting[1]?.pid]));
});
