// Carries out the core's actions that close ports for clients, and tells which ones these were (primary).

import type { Action } from '../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';
import type { DataPlane } from './connections/data-plane.ts';

export type PortAction = Extract<Action, { type: 'close-ports' | 'close-slot-ports' | 'shut-ports' }>;

export function closePorts(action: PortAction, dataPlane: DataPlane, report: (event: SupervisorEvent) => void): void {
  if (action.type === 'close-ports') {
    dataPlane.closePorts();
    return;
  }
  const listeners = dataPlane.shutPorts(action);
  if (listeners.length === 0) return;
  if (action.type === 'shut-ports') {
    if (action.unusedBy !== null) report({ type: 'unused-ports-closed', listeners });
    return;
  }
  const { slot, afterMs } = action;
  report({ type: 'slot-ports-closed', slot, listeners, afterMs });
}
