// Where a worker's output goes if it does not pass through the primary: what src/app/ gives the host for it (primary).

import type { Socket } from 'node:net';
import type { InspectorAddress } from '../look/autopsy.ts';

export interface ConnectedOutput {
  /** Given to the worker, and then closed here. */
  stdout: Socket;
  stderr: Socket;
  online(pid: number): void;
  admitted(slot: number): void;
  inspector: InspectorAddress;
}
