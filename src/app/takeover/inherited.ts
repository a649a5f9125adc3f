// What this process was handed down when it was started: listening sockets, of a service manager or of the supervisor whose place it
// takes. Part of the composition, in the primary; asked once, before the configuration is loaded.

import { InheritedSockets, socketsFromServiceManager } from '../../host/sockets/inherited-sockets.ts';
import { parseTakeover, TAKEOVER_VARIABLE, type Takeover } from '../../protocol/takeover.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';

export interface Inherited {
  sockets: InheritedSockets;
  /** Null: no other supervisor is or was there. */
  takeover: Takeover | null;
}

/**
 * Takes what tells of a takeover out of `env`, so that no worker sees it. What systemd says stays, as under plain node: it names the pid of
 * this process, and `listen({ fd: 3 })` of a worker gets the primary's descriptor.
 */
export function inherit(env: Record<string, string | undefined>): Inherited | null {
  const takeover = parseTakeover(env[TAKEOVER_VARIABLE] ?? '');
  delete env[TAKEOVER_VARIABLE];
  const handed = takeover?.sockets ?? socketsFromServiceManager(env);
  return takeover === null && handed.length === 0 ? null : { sockets: new InheritedSockets(handed), takeover };
}

/** Once every worker is ready, those that no worker has asked for are told, and closed if nobody else holds them. */
export function settleWhenReady(inherited: Inherited | null, { ready, report }: Settling): void {
  if (inherited === null) return;
  ready.then(
    () => settle(inherited, report),
    () => {},
  );
}

interface Settling {
  ready: Promise<void>;
  report: (event: SupervisorEvent) => void;
}

function settle({ sockets }: Inherited, report: Settling['report']): void {
  for (const fd of sockets.unusable) {
    const message = `descriptor ${fd} was handed down and is left alone: it is no socket that accepts connections`;
    report({ type: 'notice', level: 'warn', message });
  }
  for (const isKept of [true, false]) {
    const listeners = sockets.unused(isKept);
    if (listeners.length > 0) report({ type: 'inherited-unused', listeners, kept: isKept });
  }
  sockets.closeUnused();
}
