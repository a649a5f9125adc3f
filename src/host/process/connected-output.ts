// A worker's output that goes elsewhere without passing through the primary: what the composition gives the host for it.

import type { Socket } from 'node:net';
import type { InspectorAddress } from '../look/autopsy.ts';

export interface ConnectedOutput {
  /** To be given to the worker; closed here right after. */
  stdout: Socket;
  stderr: Socket;
  online(pid: number): void;
  admitted(slot: number): void;
  inspector: InspectorAddress;
}
