// What an app's last reload left behind when it was refused or broken off: shown wherever the app is, until a reload succeeds. Pure.

import { oneLine } from '../../logs/own/visible.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import type { Standing } from '../../supervisor/picture/standing.ts';

export interface FailedReload {
  what: 'reload' | 'rollback';
  why: string;
  standing: Standing;
}

/** Null where the last reload is done or one is under way. */
export function shortfallOf({ reload }: Snapshot): FailedReload | null {
  const { standing = null, kind = 'reload', error } = reload;
  return reload.state !== 'idle' || standing === null ? null : { what: kind, why: oneLine(error ?? ''), standing };
}
