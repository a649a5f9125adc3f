import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scoreboard } from '../../../src/host/connections/scoreboard.ts';
import { TALLY_NUMBERS } from '../../../src/protocol/scoreboard-layout.ts';
import { bid, hashAddress, IpHash } from '../../../src/worker/balance/ip-hash.ts';
import { ScoreboardSeat } from '../../../src/worker/report/scoreboard-seat.ts';
import { eventually } from '../../support/eventually.ts';

const addresses = [
  ...Array.from({ length: 4000 }, (_, i) => `10.${i % 7}.${(i >> 8) & 255}.${i & 255}`),
  ...Array.from({ length: 2000 }, (_, i) => `2001:db8:${(i * 7).toString(16)}::${i.toString(16)}`),
];

function home(address: string, slots: number[]): number {
  const hash = hashAddress(address);
  return slots.reduce((best, slot) => (bid(hash, slot) > bid(hash, best) ? slot : best));
}

test('clients are spread over the slots', () => {
  const counts = new Map<number, number>();
  for (const address of addresses) {
    const slot = home(address, [0, 1, 2, 3]);
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  for (const count of counts.values()) assert.ok(Math.abs(count - 1500) < 150, `${count} instead of about 1500`);
});

test('a slot that comes or goes moves only the clients it wins or loses', () => {
  let moved = 0;
  for (const address of addresses) {
    const four = home(address, [0, 1, 2, 3]);
    const five = home(address, [0, 1, 2, 3, 4]);
    if (four !== five) {
      assert.equal(five, 4);
      moved += 1;
    }
  }
  assert.ok(Math.abs(moved - 1200) < 150, `${moved} instead of about 1200`);
});

test('the order of the slots does not matter', () => {
  for (const address of addresses.slice(0, 200)) assert.equal(home(address, [3, 1, 0, 2]), home(address, [0, 1, 2, 3]));
});

test('an IPv4 address is the same client on an IPv6 socket', () => {
  assert.equal(hashAddress('::ffff:192.0.2.1'), hashAddress('192.0.2.1'));
  assert.notEqual(hashAddress('::ffff:1'), hashAddress('1'));
});

test('siblings see how many connections a worker holds that only accepts', async () => {
  const scoreboard = Scoreboard.create();
  assert.ok(scoreboard);
  try {
    const { path } = scoreboard;
    const [own, other] = [0, 1].map(() =>
      ScoreboardSeat.open({ path, cell: scoreboard.allocate() ?? 0 }, new Float64Array(TALLY_NUMBERS)),
    );
    assert.ok(own && other);
    let held = 0;
    const balancer = new IpHash(
      own,
      () => held,
      () => {},
    );
    balancer.setSlot(0);
    const now = performance.now();
    for (; held < 3; held += 1) assert.equal(balancer.place({ close: () => {} }, now), null);
    await eventually('the number is written', () => other.siblings()[0]?.connections === 3);
  } finally {
    scoreboard.close();
  }
});

test('a worker tells of the one address of its first 100 clients, or that there are several, once', () => {
  const scoreboard = Scoreboard.create();
  assert.ok(scoreboard);
  try {
    const seat = ScoreboardSeat.open({ path: scoreboard.path, cell: 0 }, new Float64Array(TALLY_NUMBERS));
    assert.ok(seat);
    const from = (address: string) => ({
      close: () => {},
      getpeername: (name: { address?: string }) => {
        name.address = address;
        return 0;
      },
    });
    const told: (string | null)[] = [];
    const balancer = new IpHash(
      seat,
      () => 0,
      (address) => told.push(address),
    );
    balancer.place({ close: () => {} }, 0);
    for (let client = 1; client <= 99; client += 1) balancer.place(from('10.0.0.9'), 0);
    assert.deepEqual(told, []);
    for (let client = 1; client <= 50; client += 1) balancer.place(from('::ffff:10.0.0.9'), 0);
    assert.deepEqual(told, ['10.0.0.9'], 'as an operator writes it');
    for (let client = 1; client <= 50; client += 1) balancer.place(from(`10.0.1.${client}`), 0);
    assert.deepEqual(told, ['10.0.0.9', null]);
  } finally {
    scoreboard.close();
  }
});
