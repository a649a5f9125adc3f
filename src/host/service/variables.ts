// The variables by which a service manager speaks to the process that it starts, by the protocol of sd_notify(3). They are for the primary
// alone: a worker that said READY=1, STOPPING=1 or WATCHDOG=1 would say it of the whole service.

type Environment = Readonly<Record<string, string | undefined>>;

const names = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

export type ServiceVariables = Partial<Record<(typeof names)[number], string>>;

/** Takes them out of the environment. */
export function takeServiceVariables(env: Record<string, string | undefined>): ServiceVariables {
  const taken: ServiceVariables = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== '') taken[name] = value;
    delete env[name];
  }
  return taken;
}

/** A copy of the environment without them. */
export function withoutServiceVariables(env: Environment): Record<string, string | undefined> {
  const rest = { ...env };
  for (const name of names) delete rest[name];
  return rest;
}

/** How often the service manager wants to hear of a living process, or null: it does not watch this one. */
export function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: ServiceVariables, pid: number): number | null {
  const ms = Number(WATCHDOG_USEC ?? Number.NaN) / 1000;
  const isForUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid;
  return isForUs && ms > 0 && Number.isFinite(ms) ? ms : null;
}

/** A successor of this process needs the same. */
export function successorVariables({ NOTIFY_SOCKET, WATCHDOG_USEC }: ServiceVariables): ServiceVariables {
  return { ...(NOTIFY_SOCKET && { NOTIFY_SOCKET }), ...(WATCHDOG_USEC && { WATCHDOG_USEC }) };
}
