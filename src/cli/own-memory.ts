// Keeps the primary small. A supervisor lives for months and does little, yet V8 lets its young generation grow to 32 MB in a busy
// minute and keeps that. Only for processes that are tutti's own: a library must not change the engine of the program that uses it.

import { setFlagsFromString } from 'node:v8';

/** To be called early: what has grown does not shrink. */
export function stayLean(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
