// This worker's record on the scoreboard: its counts of requests, which outlive it there, and its heartbeat, which costs nobody a
// message. Runs in the worker.

import type fs from 'node:fs';
import { putBeat } from '../../protocol/beat-record.ts';
import type { Beat } from '../../protocol/messages.ts';
import {
  RECORD_ALIVE_AT,
  RECORD_BYTES,
  RECORD_NUMBERS,
  RECORD_TURN,
  RECORD_TURN_AGAIN,
  recordOffset,
  systemMs,
  TALLY_BYTES,
} from '../../protocol/scoreboard-layout.ts';
import { process } from '../own-process.ts';

/** As node has them now: what an application puts in their place is none of ours. */
const { hrtime } = process;
const { openSync, writeSync } = process.getBuiltinModule('node:fs') as typeof fs;

export class OwnRecord {
  readonly #fd: number;
  readonly #offset: number;
  readonly #numbers = new Float64Array(RECORD_NUMBERS);
  readonly #tally: Float64Array;
  #turn = 0;

  /** Null where the file cannot be opened: then messages tell everything. */
  static open({ path, cell }: { path: string; cell: number }, tally: Float64Array): OwnRecord | null {
    try {
      return new OwnRecord(openSync(path, 'r+'), recordOffset(cell), tally);
    } catch {
      return null;
    }
  }

  private constructor(fd: number, offset: number, tally: Float64Array) {
    this.#fd = fd;
    this.#offset = offset;
    this.#tally = tally;
  }

  /** The counts as they stand now. All of these answer false where there is no room in memory. */
  writeTally(): boolean {
    return this.#write(this.#tally, 0, TALLY_BYTES);
  }

  writeBeat(beat: Beat): boolean {
    const numbers = this.#numbers;
    numbers.set(this.#tally);
    putBeat(numbers, beat);
    this.#turn += 1;
    if (!this.#stamp()) return false;
    numbers[RECORD_TURN] = this.#turn;
    numbers[RECORD_TURN_AGAIN] = this.#turn;
    return this.#write(numbers, 0, RECORD_BYTES);
  }

  /** In place of a beat, from a worker that has nothing new to say. */
  writeAlive(): boolean {
    return this.#stamp() && this.#write(this.#numbers, 8 * RECORD_ALIVE_AT, 8);
  }

  #stamp(): boolean {
    try {
      this.#numbers[RECORD_ALIVE_AT] = systemMs(hrtime());
      return true;
    } catch {
      return false;
    }
  }

  #write(numbers: Float64Array, from: number, bytes: number): boolean {
    try {
      writeSync(this.#fd, numbers, from, bytes, this.#offset + from);
      return true;
    } catch {
      return false;
    }
  }
}
