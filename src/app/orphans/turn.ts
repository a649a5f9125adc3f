// A start or a stop of an app whose orphans serve on takes the turn from them, so that none of them starts a supervisor meanwhile. Part of
// the composition; runs in the primary of a new start and in the CLI.

import { setTimeout as delay } from 'node:timers/promises';
import { TuttiError } from '../../errors.ts';
import { monotonicMs } from '../../host/monotonic.ts';
import { endTurn, isTaken, readTurn, takeTurn } from '../../protocol/orphans/succession.ts';
import { systemMs } from '../../protocol/scoreboard-layout.ts';
import { placeOf } from './orders.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whoever is about to start the app has said so by then, or has failed. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 50;

/** Another process is about to start it, or its new supervisor is about to end the orphans. */
export function isBeingStarted(env: Environment, name: string): boolean {
  return isTaken(readTurn(placeOf(env, name)));
}

export interface OwnTurn {
  end(): void;
}

/** Throws a TuttiError when another process starts the app. Where the disk can't be written it is done without. */
export async function takeTurnOf(env: Environment, name: string): Promise<OwnTurn> {
  const place = placeOf(env, name);
  for (const end = monotonicMs() + PATIENCE_MS; ; await delay(LOOK_MS)) {
    try {
      if (readTurn(place)?.holder.pid === process.pid || takeTurn(place, 0, systemMs(process.hrtime()))) break;
    } catch {
      return { end: () => {} };
    }
    if (monotonicMs() > end && isTaken(readTurn(place))) throw new TuttiError('ERR_ALREADY_RUNNING', { names: [name] });
  }
  return {
    end() {
      try {
        endTurn(place);
      } catch {
        // Whoever looks finds that its holder is dead.
      }
    },
  };
}
