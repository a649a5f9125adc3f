// What changes an app by itself: the watch of its files, its schedule, and the limits of its container. The workers do not wait for it. Part of the composition; runs
// in the primary.

import type { LoadedApp } from '../../config/app.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';
import { type AppWatch, appWatch } from './app-watch.ts';
import { Sizing } from './sizing.ts';
import { Zombies } from './zombies.ts';

interface Around {
  /** As the last reload has read it. */
  app: () => LoadedApp;
  dispatch: (input: SupervisorInput) => void;
  env: Readonly<Record<string, string | undefined>>;
  notice: (level: 'info' | 'warn', message: string) => void;
  report: (event: SupervisorEvent) => void;
  reload: () => Promise<unknown>;
  recycle: () => Promise<CommandResult>;
}

export class Automation {
  readonly sizing: Sizing;
  readonly #zombies: Zombies;
  readonly #cron: string | null;
  readonly #around: Around;
  readonly #watch: AppWatch | null;
  #stopSchedule = () => {};
  #closed = false;

  constructor(app: LoadedApp, around: Around) {
    this.#cron = app.config.cron;
    this.#around = around;
    this.#watch = appWatch(app, around);
    this.sizing = new Sizing(around, app);
    this.#zombies = new Zombies((message) => around.notice('warn', message));
  }

  /** Without it the app runs as well: what fails is told in one line. */
  async start(): Promise<void> {
    this.sizing.start();
    this.#zombies.start();
    try {
      await this.#watch?.start();
      if (this.#cron !== null) await this.#startSchedule(this.#cron);
    } catch (error) {
      this.#around.notice('warn', `files and schedule are not watched: ${String(error)}`);
    }
  }

  async #startSchedule(cron: string): Promise<void> {
    const { schedule } = await import('./schedule.ts');
    if (this.#closed) return;
    const job = schedule(cron, async () => {
      const result = await this.#around.recycle();
      if (result.outcome !== 'refused') return;
      this.#around.report({ type: 'held-back', what: 'the recycle by cron', reason: result.reason });
    });
    this.#stopSchedule = job.stop;
  }

  /** A worker has loaded this file. */
  loaded(path: string): void {
    this.#watch?.loaded(path);
  }

  event(event: SupervisorEvent): void {
    this.#watch?.event(event);
    this.sizing.event(event);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopSchedule();
    this.sizing.close();
    this.#zombies.close();
    await this.#watch?.close();
  }
}
