// Where a worker's output goes without passing through the primary.

import type { Socket } from 'node:net';

export interface ConnectedOutput {
  /** To be given to the worker; closed here right after. */
  stdout: Socket;
  stderr: Socket;
  online(pid: number): void;
  admitted(slot: number): void;
}
