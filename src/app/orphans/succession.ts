// A new supervisor and the orphans of the one before it: it makes them close their ports first, or, where it was given these, starts beside
// them and has them drain when its own workers are ready. Part of the composition; runs in the primary.

import { orNone } from '../../files/state-folder.ts';
import { monotonicMs } from '../../host/monotonic.ts';
import { LASTING_MS, mayRevive } from '../../protocol/orphans/revival-limit.ts';
import type { Takeover } from '../../protocol/takeover.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import { claimPlace, endOrphans, findLeftBehind, forgetDead, type Orphans, settle, stopOrphans } from './orphans.ts';
import { type OwnTurn, takeTurnOf } from './turn.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface SuccessionOptions {
  env: Environment;
  name: string;
  /** What it was given; null: nothing. */
  takeover: Takeover | null;
  report(event: SupervisorEvent): void;
  /** Somebody waits for more than a start. */
  hurry(): boolean;
}

export class Succession {
  readonly #options: SuccessionOptions;
  readonly #beganAt = monotonicMs();
  #turn: OwnTurn | null = null;
  /** They serve on, beside this supervisor's first workers. */
  #isBeside = false;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /** Before the first worker. Throws a TuttiError when another process is about to start the app. */
  async begin(): Promise<void> {
    const { env, name, takeover, report, hurry } = this.#options;
    if (takeover?.reason !== 'resurrection') {
      const tell = (message: string): void => report({ type: 'notice', level: 'warn', message });
      await endOrphans(env, name, { tell, hurry });
      return;
    }
    this.#turn = await takeTurnOf(env, name);
    this.#isBeside = true;
    const orphans = this.#orphans();
    report({ type: 'supervisor-died', pid: takeover.from.pid, orphans: orphans.flatMap(pidsOf) });
    const { revivals = 0 } = takeover;
    if (mayRevive(revivals)) return;
    const message = `${revivals} supervisors in a row were killed or failed before all their workers had been ready for ${LASTING_MS / 1000} s. If this one is too, its workers start no other: they serve on for orphanTimeout, and tutti start ${name} takes them over.`;
    report({ type: 'notice', level: 'error', message });
  }

  /** The supervisor beside which this one started is dead. Its workers are told to drain when this one's are ready. */
  async adopt(workersReady: Promise<void>): Promise<void> {
    const { env, name } = this.#options;
    this.#isBeside = true;
    // Where one of them is about to start another supervisor, that one finds the app's name taken, and ends.
    this.#turn = await takeTurnOf(env, name).catch(() => null);
    await workersReady;
    await this.ready();
  }

  /** Another supervisor of the app, whose place this one keeps, is dead. */
  async endWorkersOf(pid: number): Promise<void> {
    const { env, name } = this.#options;
    const left = this.#orphans().filter(({ primary }) => primary === pid);
    if (left.length > 0) this.#turn = await takeTurnOf(env, name).catch(() => null);
    await this.#endOrphans(left);
  }

  /** A new worker finds this port or path taken. True: an orphan had it, and has closed it. */
  claim(place: number | string): Promise<boolean> {
    return claimPlace(this.#options.env, this.#options.name, place);
  }

  /** Every worker is ready. Kept when the orphans are gone. */
  async ready(): Promise<void> {
    const { takeover, report } = this.#options;
    if (!this.#isBeside || takeover === null) return;
    this.#isBeside = false;
    const ms = Math.round(monotonicMs() - this.#beganAt);
    const orphans = this.#orphans();
    report({ type: 'resurrected', from: takeover.from.pid, orphans: orphans.flatMap(pidsOf), ms });
    report({ type: 'orphans-ended', from: takeover.from.pid, killed: await this.#endOrphans(orphans) });
  }

  /** This supervisor ends. `isMeant`: the app is to stop, and what is left of it before; else the orphans serve on, and others may try. */
  async end(isMeant: boolean): Promise<void> {
    if (!this.#isBeside || !isMeant) return;
    this.#isBeside = false;
    await this.#endOrphans(this.#orphans());
  }

  /** Answers those that had to be killed. */
  async #endOrphans(orphans: readonly Orphans[]): Promise<number[]> {
    const { env, name } = this.#options;
    for (const each of orphans) settle(env, each);
    const ends = orphans.map((each) => stopOrphans(each, { fast: false, mostMs: Number.POSITIVE_INFINITY }));
    const killed = (await Promise.all(ends)).flatMap((end) => end.killed.map(({ pid }) => pid));
    forgetDead(env, orNone(() => findLeftBehind(env, name))?.dead ?? []);
    this.#turn?.end();
    return killed;
  }

  #orphans(): readonly Orphans[] {
    const { env, name } = this.#options;
    return orNone(() => findLeftBehind(env, name))?.orphans ?? [];
  }
}

function pidsOf({ workers }: Orphans): number[] {
  return workers.map(({ pid }) => pid);
}
