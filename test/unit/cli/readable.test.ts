import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { age, amount, bytes, milliseconds, percent } from '../../../src/cli/shared/readable.ts';

describe('numbers for people', () => {
  const cases: [string, string][] = [
    [bytes(0), '0B'],
    [bytes(1023), '1023B'],
    [bytes(10 * 1024), '10K'],
    [bytes(1.5 * 1024 ** 3), '1.5G'],
    [bytes(999.6 * 1024), '1.0M'],
    [bytes(61 * 1024 ** 2), '61M'],
    [age(0), '0s'],
    [age(59_999), '59s'],
    [age(200_000), '3m 20s'],
    [age(7_500_000), '2h 5m'],
    [age(11.2 * 86_400_000), '11d 4h'],
    [percent(0), '0.0%'],
    [percent(9.96), '10%'],
    [percent(187.4), '187%'],
    [amount(0), '0'],
    [amount(0.42), '0.4'],
    [amount(12), '12'],
    [amount(3400), '3.4k'],
    [amount(123_456), '123k'],
    [amount(1_200_000), '1.2M'],
    [milliseconds(0.44), '0.4ms'],
    [milliseconds(250), '250ms'],
    [milliseconds(1500), '1.5s'],
    [milliseconds(30_000), '30s'],
  ];
  for (const [got, expected] of cases) it(`writes ${expected}`, () => assert.equal(got, expected));
});
