// What a worker is told to do when its primary has died, and what a start by hand asks of it then.

export interface ProcessIdentity {
  pid: number;
  /** In the kernel's own clock ticks since the machine was booted. */
  born: string;
}

/** To a worker that goes on serving when its primary has died. */
export interface OrphanOrders {
  /** For so long at most; then it drains. */
  timeoutMs: number;
  app: string;
  primary: ProcessIdentity;
  /** How the paths of what orphans, starts and stops of the app agree by begin: see succession.ts. */
  place: string;
  /** How to start another primary; null: that is somebody else's business. */
  revival: RevivalOrders | null;
}

/** How an app in the background is started once more, as it was the first time. */
export interface RevivalOrders extends SupervisorCommand {
  /** What the primary's environment has instead of the worker's; null: nothing of that name. Filled in with the fork. */
  env: Record<string, string | null>;
}

/** What a start by hand says to the orphan that gives it the app's sockets. */
export interface CallForPorts {
  command: SupervisorCommand;
  env: Record<string, string>;
}

/** How a supervisor in the background is started, but for its environment. */
export interface SupervisorCommand {
  node: string;
  args: readonly string[];
  cwd: string;
  /** Where its stdout and stderr are appended. */
  out: string;
  err: string;
  /** What it is told when it asks what to run. */
  record: unknown;
}
