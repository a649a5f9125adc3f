// Until when each line of Node.js gets security fixes, from its release schedule. Pure.

/** Lines with an odd number live for half a year. */
const endsOn: Readonly<Record<number, string>> = {
  18: '2025-04-30',
  19: '2023-06-01',
  20: '2026-04-30',
  21: '2024-06-01',
  22: '2027-04-30',
  23: '2025-06-01',
  24: '2028-04-30',
  25: '2026-06-01',
  26: '2029-04-30',
};

/** The day after which `version` is not kept up any more, if that is before `now`. */
export function endedOn(version: string, now: number): string | null {
  const day = endsOn[Number(/^v?(\d+)\./.exec(version)?.[1])];
  return day !== undefined && now > Date.parse(`${day}T24:00:00Z`) ? day : null;
}

/** The newest line that is known and is kept up for long. */
export const NEWEST_LINE = 26;
