// The rotation of a log file, in the log process: `web.log` becomes `web.log.1` and is compressed to `web.log.1.gz`, the older ones move
// up, the oldest go. A compression that fails leaves the file as it is.

import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const ends = ['.gz', ''];

/**
 * Rejects if the file cannot be renamed; what is open is then still the file of that name. `compressed` is kept when the
 * rotated file is compressed, or could not be; it never rejects.
 */
export async function rotate(file: string, keep: number): Promise<{ compressed: Promise<void> }> {
  if (keep === 0) {
    await rm(file, { force: true });
    return { compressed: Promise.resolve() };
  }
  for (const end of ends) await rm(`${file}.${keep}${end}`, { force: true });
  for (let index = keep - 1; index >= 1; index--) {
    for (const end of ends) await moveIfThere(`${file}.${index}${end}`, `${file}.${index + 1}${end}`);
  }
  await rename(file, `${file}.1`);
  return { compressed: compress(`${file}.1`) };
}

async function moveIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function compress(file: string): Promise<void> {
  const fresh = `${file}.gz.part`;
  try {
    await pipeline(createReadStream(file), createGzip(), createWriteStream(fresh, { mode: 0o640 }));
    await rename(fresh, `${file}.gz`);
    await rm(file);
  } catch {
    // A full disk: the file stays as it is, and is read as well.
    await rm(fresh, { force: true }).catch(() => {});
  }
}

const DAY_MS = 86_400_000;

/** Rotations fall on the clock (every 6 h at 0, 6, 12, 18), so an age becomes the longest such interval that is not above it. */
export function intervalOf(ageMs: number): number {
  if (ageMs >= DAY_MS) return Math.floor(ageMs / DAY_MS) * DAY_MS;
  for (const [unitMs, of] of [
    [3_600_000, 24],
    [60_000, 60],
    [1000, 60],
  ] as const) {
    if (ageMs < unitMs && unitMs > 1000) continue;
    let amount = Math.min(of, Math.max(1, Math.floor(ageMs / unitMs)));
    while (of % amount !== 0) amount -= 1;
    return amount * unitMs;
  }
  return DAY_MS;
}

/** Which of the intervals, counted in local time, a moment lies in. */
export function periodOf(moment: Date, ageMs: number | null): number {
  if (ageMs === null) return 0;
  return Math.floor((moment.getTime() - moment.getTimezoneOffset() * 60_000) / intervalOf(ageMs));
}
