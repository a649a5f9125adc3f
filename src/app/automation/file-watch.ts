// Reloads the app when its files change: those that its workers have loaded, or those under the paths that were named. Part of the
// composition; runs in the primary. The watcher itself is loaded when the workers have been started.

import { basename, dirname, join, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { messageOf } from '../../errors.ts';

export interface FileWatchOptions {
  /** True: the files that the app has loaded. */
  what: true | readonly string[];
  /** Absolute paths or patterns with `*` and `**`; a folder stands for what is in it. */
  ignore: readonly string[];
  /** Files that count although the app does not load them: its configuration. */
  always: readonly string[];
  /** Loaded, but not the app's own. */
  foreign: string;
  /** Which files tutti writes itself. */
  written: () => Promise<(path: string) => boolean>;
  changed: (path: string, others: number) => void;
  failed: (reason: string) => void;
}

/** One save of an editor, or one checkout of a repository, is many changes. */
const GATHER_MS = 300;
const NEVER = /[/\\](node_modules|\.git)([/\\]|$)/;

export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #ignored: readonly RegExp[];
  readonly #loaded: Set<string>;
  readonly #changed = new Set<string>();
  #isWritten: (path: string) => boolean = () => false;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#ignored = options.ignore.map(pattern);
    this.#loaded = new Set(options.always);
  }

  /** A worker has loaded this file. Also before the start. */
  loaded(path: string): void {
    const isOwn = !NEVER.test(path) && !path.startsWith(this.#options.foreign);
    if (this.#options.what !== true || this.#loaded.has(path) || !isOwn) return;
    this.#loaded.add(path);
    this.#watcher?.add([dirname(path), path]);
  }

  async start(): Promise<void> {
    const { watch } = await import('chokidar');
    const { what, always, written } = this.#options;
    this.#isWritten = await written();
    if (this.#isClosed) return;
    const isEach = what === true;
    // The folders too: an editor that writes a new file in the place of the old one takes the watched one away.
    const files = [...(isEach ? this.#loaded : always)];
    const paths = [...new Set([...(isEach ? [] : what), ...files.map(dirname), ...files])];
    this.#watcher = watch(paths, {
      ignoreInitial: true,
      ignored: (path, stats) =>
        this.#isIgnored(path) || (isEach && stats?.isFile() === true && !this.#loaded.has(path)),
      ...(isEach ? { depth: 0 } : {}),
    });
    this.#watcher.on('error', (error) => this.#options.failed(messageOf(error)));
    this.#watcher.on('all', (event, path) => {
      if (event === 'addDir' || event === 'unlinkDir' || !this.#counts(path)) return;
      this.#changed.add(path);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(), GATHER_MS);
    });
    await new Promise<void>((ready) => this.#watcher?.once('ready', () => ready()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#watcher?.close();
  }

  #counts(path: string): boolean {
    const { what, always } = this.#options;
    if (what === true || always.includes(path)) return this.#loaded.has(path) && !this.#isIgnored(path);
    return what.some((top) => path === top || path.startsWith(top.endsWith(sep) ? top : top + sep));
  }

  #isIgnored(path: string): boolean {
    return NEVER.test(path) || this.#isWritten(path) || this.#ignored.some((one) => one.test(path));
  }

  #tell(): void {
    const [first, ...others] = this.#changed;
    this.#changed.clear();
    if (first !== undefined && !this.#isClosed) this.#options.changed(first, others.length);
  }
}

/** `*` stands for a part of a name, `**` for any folders; what lies in a folder that matches is meant too. */
function pattern(path: string): RegExp {
  const parts =
    /[*?]/.test(basename(path)) && !path.includes('**') ? [path, join(dirname(path), '**', basename(path))] : [path];
  const source = parts.map((part) =>
    part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*\*[/\\]|\*\*|\*|\?/g, (found) =>
        found === '*' ? '[^/\\\\]*' : found === '?' ? '[^/\\\\]' : found === '**' ? '.*' : '(?:.*[/\\\\])?',
      ),
  );
  return new RegExp(`^(?:${source.join('|')})(?:[/\\\\]|$)`);
}
