// Sees a symbolic link on the way to a file being turned to somewhere else, as a deploy does with `current`: nothing changes below the
// folders that are watched then. Part of the composition; runs in the primary.

import { type FSWatcher, lstatSync, readlinkSync, realpathSync, watch } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';

/** Linux follows no more either. */
const MOST_LINKS = 40;
/** A link that is replaced is away for a moment. */
const SETTLE_MS = 100;

export class LinkWatch {
  readonly #path: string;
  readonly #changed: (link: string) => void;
  #watchers: FSWatcher[] = [];
  #links: string[] = [];
  #real: string | null;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` is told a link on the way to `path` that now leads elsewhere. Nothing is watched where no link is. */
  constructor(path: string, changed: (link: string) => void) {
    this.#path = path;
    this.#changed = changed;
    this.#real = realOf(path);
    this.#watch();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #watch(): void {
    this.#links = linksTo(this.#path);
    for (const folder of new Set(this.#links.map(dirname))) {
      try {
        const watcher = watch(folder, () => {
          clearTimeout(this.#timer);
          this.#timer = setTimeout(() => this.#look(), SETTLE_MS).unref();
        });
        watcher.on('error', () => {});
        this.#watchers.push(watcher.unref());
      } catch {
        // No watch is to be had there any more: as if nothing changed.
      }
    }
  }

  #look(): void {
    const now = realOf(this.#path);
    // Not there for a moment: the next event tells.
    if (now === null || now === this.#real) return;
    const [link = this.#path] = this.#links;
    this.#real = now;
    this.close();
    this.#watch();
    this.#changed(link);
  }
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** Every link that is followed on the way, the first one first. */
function linksTo(path: string): string[] {
  const links: string[] = [];
  const ahead = resolve(path).split(sep).filter(Boolean);
  let at = '/';
  while (ahead.length > 0 && links.length < MOST_LINKS) {
    const here = join(at, ahead.shift() ?? '');
    try {
      if (!lstatSync(here).isSymbolicLink()) {
        at = here;
        continue;
      }
      links.push(here);
      const target = readlinkSync(here);
      if (isAbsolute(target)) at = '/';
      ahead.unshift(...target.split(sep).filter(Boolean));
    } catch {
      break;
    }
  }
  return links;
}
