// Milliseconds since the process began, which no setting of the machine's clock moves (primary). `performance.now()` says the same, but
// the first look at `performance` makes Node load nine modules, which before the first fork would be time that the workers wait for.

export function monotonicMs(): number {
  return process.uptime() * 1000;
}
