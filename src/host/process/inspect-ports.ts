// Who may open a worker's inspector, and which port it gets if the node arguments ask for one (primary). Each living worker has its own port,
// counted from the requested one, and free ports are reused; node:cluster would count on for ever.

import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';

export class InspectPorts {
  readonly #taken = new Map<WorkerId, number>();

  take(worker: WorkerId, nodeArgs: readonly string[]): number | undefined {
    const first = wantedInspectPort(nodeArgs);
    if (first === null) return undefined;
    if (first === 0) return 0;
    const taken = new Set(this.#taken.values());
    if (wantedInspectPort(process.execArgv) !== null) taken.add(process.debugPort);
    let port = first;
    while (taken.has(port)) port += 1;
    this.#taken.set(worker, port);
    return port;
  }

  release(worker: WorkerId): void {
    this.#taken.delete(worker);
  }
}

/** Whether the program's arguments or environment open an inspector at its start. */
export function hasInspector({ nodeArgs, env }: { nodeArgs: readonly string[]; env: NodeJS.ProcessEnv }): boolean {
  return wantedInspectPort([...nodeArgs, ...(env.NODE_OPTIONS ?? '').split(/\s+/)]) !== null;
}

/** Why the inspector of a hung worker may not be opened, or null. `isRead`: tutti reads its stderr, and nobody else does. */
export function whyNoInspector(
  worker: { handlesUsr1: boolean },
  generation: Parameters<typeof hasInspector>[0] | undefined,
  isRead: boolean,
): string | null {
  if (worker.handlesUsr1) return 'the application handles SIGUSR1 itself';
  if (generation !== undefined && hasInspector(generation)) return 'its inspector belongs to whoever asked for it';
  return isRead
    ? null
    : 'tutti does not read its stderr, where alone its inspector would be safe from other users: --log-format json or --log-file would change that';
}

/** The first inspector port that `nodeArgs` ask for; null without an inspector, 0 for any free port. */
export function wantedInspectPort(nodeArgs: readonly string[]): number | null {
  let port: number | null = null;
  for (const arg of nodeArgs) {
    const match = /^--inspect(?:-brk|-wait|-port)?(?:=(?:.*:)?(\d+)|=.*)?$/.exec(arg);
    if (match) port = match[1] === undefined ? (port ?? 9229) : Number(match[1]);
  }
  return port;
}
