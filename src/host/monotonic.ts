// Milliseconds since the process began, which no setting of the machine's clock moves (primary). `performance.now()` says the same, but
// the first look at `performance` makes Node load some ten modules, before the first worker is forked.

export function monotonicMs(): number {
  return process.uptime() * 1000;
}
