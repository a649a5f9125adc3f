// What workers are told at their birth to do when this primary has died. Part of the composition, in the primary.

import { join } from 'node:path';
import type { LoadedApp } from '../../config/app.ts';
import { orNone, rosterFolder } from '../../files/state-folder.ts';
import type { OrphanOrders, SupervisorCommand } from '../../protocol/orphans/orders.ts';
import { identityOf } from '../../protocol/orphans/process-identity.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How the paths of what orphans of an app and those that follow agree by begin. Throws a TuttiError where there is no state folder. */
export function placeOf(env: Environment, name: string): string {
  return join(rosterFolder(env), name);
}

/**
 * Null: they finish what they have, and leave. `revival`: how this very process was started, if nobody else starts another one. `warn`
 * hears why what was asked for cannot be.
 */
export function orphanOrders(
  { config, sources }: Pick<LoadedApp, 'config' | 'sources'>,
  env: Environment,
  revival: SupervisorCommand | null,
  warn: (message: string) => void,
): OrphanOrders | null {
  const { orphan, orphanTimeoutMs: timeoutMs, name: app, balance, user } = config;
  if (orphan !== 'serve') return null;
  const primary = identityOf(process.pid);
  const place = orNone(() => placeOf(env, app));
  const isAsked = sources.orphan !== undefined && sources.orphan !== 'default';
  if (primary === null || place === null) {
    const why = primary === null ? 'it takes /proc, as on Linux' : 'there is no state folder to use';
    if (isAsked) warn(`workers drain when tutti is killed, although orphan is "serve": ${why}`);
    return null;
  }
  if (isAsked && balance === 'round-robin')
    warn(
      'workers drain when tutti is killed, although orphan is "serve": with balance "round-robin" they have no port of their own',
    );
  if (isAsked && user !== null && revival !== null)
    warn(
      `nobody starts another supervisor when tutti is killed, although orphan is "serve": workers of user "${user}" may not`,
    );
  return {
    timeoutMs,
    app,
    primary,
    place,
    // Its workers may not do what this user may, and are not to know what it knows.
    revival: revival === null || user !== null ? null : { ...revival, env: {} },
  };
}
