// What each generation runs (primary). A reload pins the resolved path, the folder, the environment and the arguments, and every fork of
// that generation – also a restart days later – uses exactly these, whatever symbolic links and files have become since.

import type { Balance, Transfer } from '../../protocol/balance.ts';
import type { BootInfo, WorkerEnd } from '../../protocol/messages.ts';
import type { Account } from '../privileges/as-account.ts';
import { changedFile, type Fingerprint, takeFingerprint } from './fingerprint.ts';

/** A program with everything that decides how it runs. */
export interface Program {
  name: string;
  /** Without symbolic links, as the working folder. */
  entry: string;
  args: readonly string[];
  cwd: string;
  /** The whole environment, not only additions. */
  env: Readonly<Record<string, string>>;
  /** The user's own arguments for node, the loader for TypeScript included. */
  nodeArgs: readonly string[];
  /** The user that its workers run as, if it is not that of the primary. */
  account: Account | null;
  /** The node binary, if it is not the one that runs the primary. */
  node: string | null;
  balance: Balance;
  transfer: Transfer;
  keepAliveMs: BootInfo['keepAliveMs'];
  replay: BootInfo['replay'];
  /** As in process.version. */
  nodeVersion: string;
  ready: 'listening' | 'message' | 'started';
  compileCache: boolean;
  end: WorkerEnd;
  /** The variable that holds the slot. */
  instanceVar: string;
  /** A variable whose number grows by one from slot to slot. */
  incrementVar: string | null;
}

export interface PinnedGeneration extends Program {
  number: number;
}

export class Generations {
  readonly #pinned = new Map<
    number,
    { generation: PinnedGeneration; fingerprint: Promise<Fingerprint>; changed: boolean }
  >();

  /** Keeps the program, and what its files look like now, under this number. */
  pin(number: number, program: Program): PinnedGeneration {
    const generation: PinnedGeneration = { ...program, number };
    // In the next turn, so that the first workers, which are forked in this one, do not wait for it.
    const fingerprint = new Promise((next) => setImmediate(next)).then(() => takeFingerprint(program.entry));
    this.#pinned.set(number, { generation, fingerprint, changed: false });
    return generation;
  }

  /** Keeps the program of `source` under a new number too, for a way back. */
  copy(number: number, source: number): PinnedGeneration | null {
    const kept = this.#pinned.get(source);
    if (kept === undefined) return null;
    const generation: PinnedGeneration = { ...kept.generation, number };
    this.#pinned.set(number, { ...kept, generation });
    return generation;
  }

  get(number: number): PinnedGeneration | undefined {
    return this.#pinned.get(number)?.generation;
  }

  unpin(number: number): void {
    this.#pinned.delete(number);
  }

  /** Whether files of this generation were overwritten, so that it would now start other code. Once true, it stays true. */
  async changedInPlace(number: number): Promise<boolean> {
    const kept = this.#pinned.get(number);
    if (kept === undefined) return false;
    kept.changed ||= (await changedFile(await kept.fingerprint)) !== null;
    return kept.changed;
  }

  numbers(): number[] {
    return [...this.#pinned.keys()];
  }
}
