// Cuts a stream of bytes into lines without ever cutting a line or a character, whatever the chunks are.

/** A line longer than this is given out in pieces, so that a worker that never ends its line cannot fill the memory. */
export const LONGEST_LINE_BYTES = 1024 * 1024;

export class LineSplitter {
  /** The last line that push() gave is the beginning of one that is too long: it goes on in the next. */
  isCut = false;
  readonly #longest: number;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(longestBytes = LONGEST_LINE_BYTES) {
    this.#longest = longestBytes;
  }

  /** The lines that are complete now, without their newline. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    this.isCut = false;
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      lines.push(this.#take(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#pieces.push(chunk.subarray(start));
      this.#size += chunk.length - start;
      if (this.#size > this.#longest) {
        lines.push(this.#cutAtCharacter());
        this.isCut = true;
      }
    }
    return lines;
  }

  /** What is left when the stream has ended, or null. */
  end(): Buffer | null {
    return this.#size > 0 ? this.#take(Buffer.alloc(0)) : null;
  }

  #take(last: Buffer): Buffer {
    const line = this.#pieces.length > 0 ? Buffer.concat([...this.#pieces, last]) : last;
    this.#pieces = [];
    this.#size = 0;
    return line;
  }

  #cutAtCharacter(): Buffer {
    const all = this.#take(Buffer.alloc(0));
    let end = all.length;
    // step back over the bytes of an unfinished UTF-8 character (at most 3 continuation bytes and its first byte)
    for (let back = 1; back <= 4 && back < all.length; back++) {
      const byte = all[all.length - back] as number;
      if (byte < 0x80) break;
      if (byte >= 0xc0) {
        const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        if (needed > back) end = all.length - back;
        break;
      }
    }
    if (end < all.length) {
      this.#pieces = [all.subarray(end)];
      this.#size = all.length - end;
    }
    return all.subarray(0, end);
  }
}
