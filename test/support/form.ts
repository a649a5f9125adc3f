// How long the tests that can be long may be: TUTTI_TEST=long has the full numbers, the default a form that says the same in
// less time, and `short` what a second Node needs to be held to.

export type Form = 'short' | 'default' | 'long';

const asked = process.env.TUTTI_TEST ?? 'default';
if (asked !== 'short' && asked !== 'default' && asked !== 'long') {
  throw new Error(`TUTTI_TEST must be short, default or long, not ${asked}.`);
}

export const form: Form = asked;

/** The number for the form that was asked for. */
export function times(numbers: Record<Form, number>): number {
  return numbers[form];
}
