// The list of an app's living worker processes, kept for the time after the primary: with the guardian, which ends what cannot end by
// itself, and in a file, by which a later start of the app and tutti doctor find them. Part of the composition, in the primary.

import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { writeState } from '../../files/state-file.ts';
import { ensurePrivateFolder, orNone } from '../../files/state-folder.ts';
import { Guardian, type Ward } from '../../host/process/guardian.ts';
import { numberSpace } from '../../host/process/process-identity.ts';
import { identityOf, type ProcessIdentity, processStatus } from '../../protocol/orphans/process-identity.ts';
import { LASTING_MS } from '../../protocol/orphans/revival-limit.ts';
import { leftPath } from '../../protocol/orphans/succession.ts';
import type { Takeover } from '../../protocol/takeover.ts';
import type { Heritage } from '../../supervisor/handover/heritage.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import { placeOf } from './orders.ts';

/** What is in the file. */
export interface RosterFile {
  schema: 1;
  name: string;
  /** The machine by name, and what its pids belong to. */
  host: string;
  space: string;
  primary: ProcessIdentity;
  workers: ProcessIdentity[];
  /** How long a worker may take for what it has, and after TERM. The former is missing where an older tutti wrote it. */
  drainTimeoutMs?: number;
  stopTimeoutMs: number;
  /** How long they may serve on; missing where an older tutti wrote it, 0: not at all. */
  serveMs?: number;
  /** What the next supervisor goes on with; missing where an older tutti wrote it. */
  lastGeneration?: number;
  target?: number | null;
  /** Which supervisor in a row this one is that replaces one that did not last; missing where an older tutti wrote it. */
  revivals?: number;
  /** The supervisor whose place it takes by an upgrade. */
  succeeds?: ProcessIdentity;
  /** Somebody has seen to the death of the primary: the orphans are told to end, and are all that is left to know. */
  isSettled?: boolean;
}

/** A worker notices within a second that it is alone. */
const NOTICE_MS = 5_000;

export interface RosterOptions {
  /** For how long orphans may serve on before they drain. */
  serveMs: number;
  /** What the next supervisor goes on with. */
  heritage(): Pick<Heritage, 'lastGeneration' | 'target'>;
  /** What this one was given by the one before. */
  takeover: Takeover | null;
}

export class Roster {
  readonly #name: string;
  readonly #options: RosterOptions;
  readonly #path: string | null;
  readonly #guardian = new Guardian();
  readonly #wards = new Map<number, Ward>();
  readonly #space = numberSpace();
  #end = { drainTimeoutMs: 0, stopTimeoutMs: 0 };
  #hasFolder = false;
  #isWritten = false;
  #soon: NodeJS.Immediate | null = null;
  #revivals: number;
  #lasting: NodeJS.Timeout | null = null;

  constructor(env: Readonly<Record<string, string | undefined>>, name: string, options: RosterOptions) {
    this.#name = name;
    this.#options = options;
    this.#revivals = options.takeover?.revivals ?? 0;
    this.#path = this.#space === null ? null : orNone(() => leftPath(placeOf(env, name), process.pid));
  }

  /** The process was forked just now. */
  joined(pid: number, end: { drainTimeoutMs: number; stopTimeoutMs: number }): void {
    const status = processStatus(pid);
    if (status === null) return;
    const graceMs = this.#options.serveMs + end.drainTimeoutMs + end.stopTimeoutMs + NOTICE_MS;
    this.#end = end;
    this.#wards.set(pid, { pid, born: status.born, graceMs });
    this.#tellSoon();
  }

  left(pid: number): void {
    if (this.#wards.delete(pid)) this.#tellSoon();
  }

  /** What the next supervisor goes on with may have changed. */
  heard({ type }: SupervisorEvent): void {
    if (type === 'scaled') this.#tellSoon();
    else if (type === 'resurrected') this.#lasting ??= setTimeout(() => this.#lasts(), LASTING_MS).unref();
  }

  #lasts(): void {
    this.#revivals = 0;
    this.#tellSoon();
  }

  #tellSoon(): void {
    this.#soon ??= setImmediate(() => this.#tell());
  }

  /** Nobody is left, or what is left was killed. */
  close(): void {
    if (this.#soon !== null) clearImmediate(this.#soon);
    if (this.#lasting !== null) clearTimeout(this.#lasting);
    this.#wards.clear();
    this.#guardian.close();
    if (this.#path !== null && this.#isWritten) rmSync(this.#path, { force: true });
  }

  #tell(): void {
    this.#soon = null;
    const wards = [...this.#wards.values()];
    this.#guardian.watch(wards);
    this.#write(wards);
  }

  /** Without it a start finds the port taken until the guardian has done its work. */
  #write(wards: readonly Ward[]): void {
    const primary = identityOf(process.pid);
    if (this.#path === null || this.#space === null || primary === null) return;
    const { takeover } = this.#options;
    const { lastGeneration, target } = this.#options.heritage();
    const file: RosterFile = {
      schema: 1,
      name: this.#name,
      host: hostname(),
      space: this.#space,
      primary,
      workers: wards.map(identity),
      drainTimeoutMs: this.#end.drainTimeoutMs,
      stopTimeoutMs: this.#end.stopTimeoutMs,
      serveMs: this.#options.serveMs,
      lastGeneration,
      target,
      revivals: this.#revivals,
      ...(takeover?.reason === 'upgrade' && { succeeds: takeover.from }),
    };
    try {
      if (!this.#hasFolder) ensurePrivateFolder(dirname(this.#path));
      this.#hasFolder = true;
      this.#isWritten = true;
      writeState(this.#path, `${JSON.stringify(file)}\n`);
    } catch {
      // A full or read-only disk: see above.
    }
  }
}

function identity({ pid, born }: ProcessIdentity): ProcessIdentity {
  return { pid, born };
}
