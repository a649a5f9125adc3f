import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AppOutcome,
  type CommandOutcome,
  exitCodeOf,
  outcomeLines,
  worstExitCode,
} from '../../../src/cli/shared/outcome.ts';

const outcomes: [CommandOutcome, number][] = [
  [{ outcome: 'done' }, 0],
  [{ outcome: 'failed', reason: 'never listened', lastLines: [] }, 1],
  [{ outcome: 'lost', reason: 'it ended' }, 1],
  [{ outcome: 'degraded', reason: 'one is missing', lastLines: [] }, 2],
  [{ outcome: 'timed-out', reason: 'too long' }, 4],
  [{ outcome: 'refused', reason: 'it stops' }, 6],
  [{ outcome: 'superseded', reason: 'a later one' }, 6],
];

const app = (result: CommandOutcome): AppOutcome => ({ app: 'web', ms: 1234, result });

describe('outcome of a command', () => {
  for (const [outcome, code] of outcomes) {
    it(`${outcome.outcome} ends with ${code} and says so`, () => {
      assert.equal(exitCodeOf(outcome), code);
      const [line = ''] = outcomeLines(app(outcome), 'reload', 'reloaded');
      assert.ok(line.startsWith('web: reload'), line);
      if ('reason' in outcome) assert.ok(line.includes(outcome.reason), line);
    });
  }

  it('of several apps is the one that tells most', () => {
    assert.equal(worstExitCode(outcomes.map(([outcome]) => app(outcome))), 1);
    assert.equal(worstExitCode([app({ outcome: 'done' }), app({ outcome: 'timed-out', reason: '' })]), 4);
    assert.equal(worstExitCode([]), 0);
  });

  it('quotes the last lines of the worker that failed', () => {
    const lines = outcomeLines(
      app({ outcome: 'failed', reason: 'it died', lastLines: ['a', 'b'] }),
      'reload',
      'reloaded',
    );
    assert.deepEqual(lines, ['web: reload failed after 1.2 s: it died', '  | a', '  | b']);
  });
});
