// Which port each worker's inspector gets, when the node arguments ask for one (primary). Each living worker has its own, counted from
// the one asked for, and a free one is used again: node:cluster would count on for ever.

import type { WorkerId } from '../supervisor/actions.ts';

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

/** The first inspector port that `nodeArgs` ask for; null without an inspector, 0 for any free port. */
export function wantedInspectPort(nodeArgs: readonly string[]): number | null {
  let port: number | null = null;
  for (const arg of nodeArgs) {
    const match = /^--inspect(?:-brk|-wait|-port)?(?:=(?:.*:)?(\d+)|=.*)?$/.exec(arg);
    if (match) port = match[1] === undefined ? (port ?? 9229) : Number(match[1]);
  }
  return port;
}
