// Keeps the primary small. A supervisor lives for months and does little, yet V8 lets its young generation grow to 32 MB in a busy
// minute and keeps that, and loads its optimizing compilers for code that runs once a second. Only for processes that are tutti's own:
// a library must not change the engine of the program that uses it.

import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/options.ts';

/** Where every connection passes through the primary its speed counts. */
const RELAYED: readonly Config['balance'][] = ['round-robin', 'ip-hash'];

/** To be called early, because what has grown does not shrink; it acts when the first workers have been forked. */
export function stayLean({ balance }: Config): void {
  setImmediate(setFlags, RELAYED.includes(balance));
}

function setFlags(isRelay: boolean): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  if (isRelay) return;
  // 6 of 22 MB on Node 24, most of it the compilers themselves.
  setFlagsFromString('--no-opt');
  setFlagsFromString('--no-maglev');
}
