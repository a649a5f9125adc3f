// Filters Node's lines about its inspector out of the stderr of a worker that is about to be looked into (primary). This is for output that
// passes through the primary; otherwise the log process does it.

import { hearInspector } from '../../protocol/inspector-talk.ts';

const NEWLINE = Buffer.from('\n');

export class InspectorEar {
  readonly url: Promise<string>;
  #heard: (url: string) => void = () => {};
  #rest: Buffer = Buffer.alloc(0);

  /** `url` rejects when the signal aborts. */
  constructor(signal: AbortSignal) {
    this.url = new Promise((resolve, reject) => {
      this.#heard = resolve;
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    this.url.catch(() => {}); // also when nobody waits for it any more
  }

  /** The part of `chunk` that the application wrote. An unfinished line is kept back. */
  take(chunk: Buffer): Buffer {
    const all = Buffer.concat([this.#rest, chunk]);
    const kept: Buffer[] = [];
    let start = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
      const { line, url } = hearInspector(all.subarray(start, end));
      if (url !== null) this.#heard(url);
      if (line !== null) kept.push(line, NEWLINE);
      start = end + 1;
    }
    this.#rest = all.subarray(start);
    return Buffer.concat(kept);
  }

  /** The stream has ended. Returns what was kept back. */
  end(): Buffer {
    return this.#rest;
  }
}
