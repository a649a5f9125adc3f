// An app as it is run for good, and what brings it up with the machine: a boot manager says which files there are to be and what is to be
// done, and touches nothing itself.

/** Of the whole machine, or of one user. */
export type Scope = 'system' | 'user';

/** An app as it is to be run for good: everything that its files say. */
export interface Service {
  app: string;
  scope: Scope;
  /** Who runs it, in `system`; null: whoever the boot manager runs as. */
  user: string | null;
  group: string | null;
  /** Node.js, tutti, and `run` with everything that follows. */
  command: readonly string[];
  /** Reloads the running app and waits until that has succeeded or failed. */
  reload: readonly string[];
  /** Where it was typed; relative paths of the command belong there. Symbolic links are kept. */
  folder: string;
  /** What is no secret. */
  environment: Readonly<Record<string, string>>;
  /** What only this user may read. */
  secrets: Readonly<Record<string, string>>;
  /** The ports and unix sockets that are to stay open while the app does not run: `3000`, `127.0.0.1:3000`, `/run/web.sock`. */
  sockets: readonly string[];
  /** Folders that it writes to. */
  writes: readonly string[];
  /** Its user has no home of its own for the state folder. */
  isHomeless: boolean;
  /** How long a first start and a graceful stop may take. */
  startMs: number;
  stopMs: number;
}

export interface BootFile {
  path: string;
  text: string;
  mode: number;
  /** What it is for, in a line. */
  why: string;
}

/** One thing to do. They are done in order, and the first that fails ends it unless it may fail. */
export type ServiceStep =
  | ({ do: 'write' } & BootFile)
  | { do: 'remove'; path: string; why: string; mayFail?: boolean }
  | {
      do: 'run';
      argv: readonly string[];
      input?: string;
      /** What to print instead: something in it is a secret. */
      shown?: string;
      why: string;
      mayFail?: boolean;
    };

export interface BootStatus {
  /** Whether it comes up with the machine and runs now, for scripts. */
  facts: Readonly<Record<string, string | number | boolean | null>>;
  lines: readonly string[];
  /** `installed`: whether it runs now is not for the boot manager to know. */
  state: 'running' | 'stopped' | 'failed' | 'installed' | 'absent';
}

export interface BootManager {
  /** With its version. */
  name: string;
  /** An app that was started by hand may stay as it is. */
  takesRunning?: boolean;
  /** What stands in the machine's folders when the service is installed. */
  files(service: Service): BootFile[];
  /** `read` answers the text of a file, or null. */
  install(service: Service, read: (path: string) => string | null): ServiceStep[];
  remove(app: string, scope: Scope, read: (path: string) => string | null): ServiceStep[];
  /** A command whose output `tell` turns into the status. */
  ask(app: string, scope: Scope): readonly string[];
  tell(app: string, scope: Scope, output: string): BootStatus;
}
