import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createColors } from 'picocolors';
import { clip, table, width } from '../../../src/cli/table.ts';

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
