// What runs after a reload that was refused, rolled back or broken off: the counts, and the words that the command, the log, the status and
// the page share. Values only.

/** `unchanged`: no worker was replaced. `taken-back`: some were, and are of the old code again. `in-part`: some stay replaced. */
export type Change = 'unchanged' | 'taken-back' | 'in-part';

export interface Standing {
  change: Change;
  /** Workers that serve with the old code; with code of a reload that was broken off; from files that were overwritten since. */
  old: number;
  new: number;
  mixed: number;
  wanted: number;
  /** What came of it: "refused, nothing changed". */
  headline: string;
  /** How many serve with what: "4 of 4 workers run the old code (generation 3)". */
  summary: string;
  /** What an operator must know before the next worker dies, or null. */
  warning: string | null;
}
