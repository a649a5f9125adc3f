// Recognizes the lines that Node writes to a worker's stderr when SIGUSR1 opens its inspector. With `--inspect-publish-uid=stderr` the secret
// address is written there and nowhere else. So whoever reads the stderr for tutti takes it from there, and passes on only what the
// application wrote.

const talk =
  /(?:Debugger listening on (ws:\/\/\S+)|For help, see: https:\/\/nodejs\.org\/\S*|Debugger attached\.|Debugger ending on ws:\/\/\S+|Waiting for the debugger to disconnect\.\.\.)\r?$/;

export interface Heard {
  /** What the application wrote before it on the same line; null: nothing. */
  line: Buffer | null;
  /** The inspector's address, if the line has it. */
  url: string | null;
}

/** Takes a whole line, without its newline. */
export function hearInspector(line: Buffer): Heard {
  const text = line.toString('latin1');
  const found = talk.exec(text);
  if (found === null) return { line, url: null };
  return { line: found.index === 0 ? null : line.subarray(0, found.index), url: found[1] ?? null };
}
