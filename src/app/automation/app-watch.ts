// --watch: joins the watches of files and links to reloads. Part of the composition; runs in the primary.

import { dirname, relative, resolve } from 'node:path';
import type { LoadedApp } from '../../config/app.ts';
import { preloadPath } from '../../host/process/fork.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import { FileWatch } from './file-watch.ts';
import { LinkWatch } from './link-watch.ts';
import { ownFiles } from './own-files.ts';
import { WatchReloads } from './watch-reloads.ts';

interface Around {
  env: Readonly<Record<string, string | undefined>>;
  notice: (level: 'info' | 'warn', message: string) => void;
  reload: () => Promise<unknown>;
}

export interface AppWatch {
  /** A worker has loaded this file. */
  loaded(path: string): void;
  event(event: SupervisorEvent): void;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Null where the configuration asks for none. */
export function appWatch(app: LoadedApp, { env, notice, reload }: Around): AppWatch | null {
  const { config } = app;
  if (config.watch === false) return null;
  const tracedTo = env.TUTTI_TRACE ? resolve(env.TUTTI_TRACE) : null;
  const reloads = new WatchReloads(reload);
  const changed = (path: string, others = 0): void => {
    const more = others === 0 ? '' : ` and ${others} more`;
    notice('info', `${relative(config.cwd, path) || path}${more} changed: reload`);
    reloads.changed();
  };
  const files = new FileWatch({
    what: config.watch,
    ignore: config.watchIgnore,
    always: [...(app.file === null ? [] : [app.file]), ...config.envFile],
    foreign: dirname(preloadPath),
    written: () =>
      ownFiles(
        [config.logFile, ...app.logFiles, tracedTo].filter((file) => file !== null),
        env,
      ),
    changed,
    failed: (reason) => notice('warn', `changed files may not be seen: ${reason}`),
  });
  let links: LinkWatch | null = null;
  return {
    loaded: (path) => files.loaded(path),
    event: (event) => reloads.event(event),
    start: () => {
      links = new LinkWatch(config.entry, changed);
      return files.start();
    },
    close: () => {
      links?.close();
      return files.close();
    },
  };
}
