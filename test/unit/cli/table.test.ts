import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import { createColors } from 'picocolors';
import { clip, table, width } from '../../../src/cli/shared/table.ts';

const colors = createColors(true);

describe('table', () => {
  it('aligns columns by what is seen, not by the colours', () => {
    const lines = table(
      [{ title: 'app' }, { title: 'workers', align: 'right' }],
      [
        [colors.bold('web'), colors.green('2/2')],
        ['longer-name', '10/10'],
      ],
    );
    assert.deepEqual(lines.map(width), [20, 20, 20]);
    assert.equal(lines[0], 'app          workers');
    assert.equal(lines[2], 'longer-name    10/10');
  });

  it('leaves out what can be spared where there is no room, and cuts words at the end', () => {
    const columns = [{ title: 'slot' }, { title: 'pid', spare: 1 }, { title: 'delay', spare: 2 }, { title: '' }];
    const rows = [['0', '4711', '1 ms', 'last exit: crash']];
    assert.deepEqual(table(columns, rows), ['slot  pid   delay', '0     4711  1 ms   last exit: crash']);
    assert.deepEqual(table(columns, rows, undefined, 24), ['slot  pid   delay', '0     4711  1 ms   last…']);
    assert.deepEqual(table(columns, rows, undefined, 16), ['slot  pid', '0     4711  las…']);
    assert.deepEqual(table(columns, rows, undefined, 6), ['slot', '0    …']);
    assert.deepEqual(table(columns, [['0', '', '', colors.dim('')]], colors.dim, 4), [colors.dim('slot'), '0']);
    assert.deepEqual(table([{ title: 'a rather long one' }], [['x']], undefined, 4), ['a rather long one', 'x']);
  });
});

describe('clip', () => {
  it('never exceeds the width and never cuts a colour in two', () => {
    const part = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom(colors.red('ab'), colors.bold('é●█'), '…'));
    fc.assert(
      fc.property(fc.array(part), fc.nat(40), (parts, columns) => {
        const text = parts.join('');
        const clipped = clip(text, columns);
        assert.ok(width(clipped) <= Math.max(columns, 0));
        if (width(text) <= columns) assert.equal(clipped, text);
      }),
    );
    assert.equal(clip(colors.red('abcdef'), 3), `${'\u001b'}[31mab${'\u001b'}[39m…`);
  });
});
