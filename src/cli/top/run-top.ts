// The work of `tutti top`: joins the stream of pictures, the keys and the screen.

import { setTimeout as delay } from 'node:timers/promises';
import { createColors } from 'picocolors';
import { AdminClientError } from '../../admin/client/client.ts';
import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import { chooseOne, chooseRunning, type Found } from '../shared/choose-apps.ts';
import { outcomeLines } from '../shared/outcome.ts';
import { type Terminal, wantsColor } from '../terminal.ts';
import { Screen } from './screen.ts';
import { newState, receive, receiveLines, type TopState } from './state.ts';
import { tailLog } from './tail-log.ts';
import { view } from './view.ts';

const RETRY_MS = 500;

export async function runTop(name: string | undefined, terminal: Terminal): Promise<number> {
  if (!terminal.stdout.isTTY || !process.stdin.isTTY || terminal.env.TERM === 'dumb') {
    const hint = 'Elsewhere, use: tutti status --json, or tutti events -f';
    throw new TuttiError('ERR_USAGE', { problem: 'top needs a terminal that can draw (TERM is not dumb)', hint });
  }
  const apps =
    name === undefined ? await chooseRunning(['all'], terminal, 'top') : [await chooseOne(name, terminal, 'top')];
  const top = new Top(apps, terminal);
  return top.run();
}

class Top {
  readonly #apps: readonly Found[];
  readonly #terminal: Terminal;
  readonly #screen = new Screen({ key: (key) => this.#key(key), resize: () => this.#draw() });
  readonly #left = withResolvers();
  #current = 0;
  #watch = new AbortController();
  #state: TopState;

  constructor(apps: readonly Found[], terminal: Terminal) {
    this.#apps = apps;
    this.#terminal = terminal;
    this.#state = newState(this.#app.name, apps.length - 1);
  }

  async run(): Promise<number> {
    const leave = () => this.#left.resolve();
    process.once('SIGTERM', leave).once('SIGHUP', leave).once('SIGINT', leave);
    this.#screen.open();
    try {
      this.#follow();
      this.#draw();
      await this.#left.promise;
    } finally {
      this.#watch.abort();
      this.#screen.close();
      process.off('SIGTERM', leave).off('SIGHUP', leave).off('SIGINT', leave);
    }
    return exitCodes.stopped;
  }

  get #app(): Found {
    const app = this.#apps[this.#current];
    if (app === undefined) throw new Error('no app to show');
    return app;
  }

  /** Comes back by itself when the supervisor was started anew. */
  async #follow(): Promise<void> {
    this.#watch.abort();
    const watch = new AbortController();
    this.#watch = watch;
    this.#state = newState(this.#app.name, this.#apps.length - 1);
    void tailLog(this.#app.client, watch.signal, (lines) => {
      if (!watch.signal.aborted) this.#change(receiveLines(this.#state, lines));
    });
    while (!watch.signal.aborted) {
      let lost = 'does not answer';
      try {
        for await (const message of await this.#app.client.live(watch.signal)) {
          if (watch.signal.aborted) return;
          this.#change(receive(this.#state, message));
        }
      } catch (error) {
        if (!(error instanceof AdminClientError)) throw error;
        if (error.kind === 'refused') lost = `refuses: ${error.message}`;
      }
      if (watch.signal.aborted) return;
      this.#change({ ...this.#state, lost });
      await delay(RETRY_MS);
    }
  }

  #key(key: string): void {
    const { asking } = this.#state;
    if (key === '\u0003' || (key === 'q' && asking === null)) {
      this.#left.resolve();
    } else if (asking !== null) {
      this.#change({ ...this.#state, asking: null });
      if (key === 'y' || key === 'Y') void this.#command(asking, asking === 'stop' ? { fast: false } : {});
    } else {
      this.#keys[key]?.();
    }
  }

  readonly #keys: Readonly<Record<string, () => void>> = {
    r: () => this.#change({ ...this.#state, asking: 'reload' }),
    s: () => this.#change({ ...this.#state, asking: 'stop' }),
    l: () => this.#change({ ...this.#state, pane: this.#state.pane === 'log' ? 'both' : 'log' }),
    '+': () => void this.#command('scale', { by: 1 }),
    '-': () => void this.#command('scale', { by: -1 }),
    '\t': () => {
      this.#current = (this.#current + 1) % this.#apps.length;
      void this.#follow();
      this.#draw();
    },
    '\u001b[A': () => this.#scrollTo(this.#state.scroll - 1),
    '\u001b[B': () => this.#scrollTo(this.#state.scroll + 1),
  };

  #scrollTo(row: number): void {
    const last = Math.max(0, (this.#state.sample?.snapshot.workers.length ?? 1) - 1);
    this.#change({ ...this.#state, scroll: Math.min(last, Math.max(0, row)) });
  }

  async #command(verb: 'reload' | 'scale' | 'stop', body: object): Promise<void> {
    const app = this.#app;
    const began = performance.now();
    this.#change({ ...this.#state, note: { text: `${verb} …`, tone: 'plain' } });
    let result: CommandResult;
    try {
      result = await app.client.command(verb, body);
    } catch (error) {
      result = { outcome: 'failed', reason: messageOf(error), lastLines: [] };
    }
    if (app !== this.#app) return;
    if ('standing' in result && result.standing !== undefined) {
      // The picture says it, until a reload succeeds.
      this.#change({ ...this.#state, note: null });
      return;
    }
    const done = { reload: 'reloaded', scale: 'scaled', stop: 'stopped' }[verb];
    const [text = ''] = outcomeLines({ app: app.name, ms: performance.now() - began, result }, verb, done);
    this.#change({ ...this.#state, note: { text, tone: result.outcome === 'done' ? 'good' : 'bad' } });
  }

  #change(state: TopState): void {
    this.#state = state;
    this.#draw();
  }

  #draw(): void {
    const colors = createColors(wantsColor(this.#terminal, this.#terminal.stdout));
    this.#screen.draw(view(this.#state, this.#screen.size, colors));
  }
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((kept) => {
    resolve = kept;
  });
  return { promise, resolve };
}
