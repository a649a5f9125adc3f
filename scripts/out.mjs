// Where a build writes: beside dist/, which is exchanged at the end, so that whoever runs a command meanwhile finds a whole one.
import { existsSync, renameSync, rmSync } from 'node:fs';

export const out = 'dist.new';

export function clearOut() {
  rmSync(out, { recursive: true, force: true });
}

/** From here on dist/ is what was built. */
export function exchange() {
  rmSync('dist.old', { recursive: true, force: true });
  if (existsSync('dist')) renameSync('dist', 'dist.old');
  renameSync(out, 'dist');
  rmSync('dist.old', { recursive: true, force: true });
}
