// A generation of the supervisor before this one, to which one can go back. Values only.

import type { Policy } from './policy.ts';

export interface Forebear {
  number: number;
  entry: string;
  /** The rules that its workers live by. */
  policy: Policy;
}
