// What is seen of a running app: listens to what the core is told and what it decides, and offers it to the admin API as metrics,
// history, live pictures and the page. Decides nothing. Runs in the primary.

import type { AdminExtras } from '../../admin/api/target.ts';
import { dashboardAssets, dashboardHeaders } from '../../dashboard/assets.ts';
import { containerUsage } from '../../host/machine/cgroup.ts';
import { AppMetrics, type AppMetricsSource, type Collected } from '../../metrics/app-metrics.ts';
import type { SavedCounts } from '../../metrics/counters.ts';
import { negotiateFormat } from '../../metrics/exposition.ts';
import { Metrics, type MetricsSources, ownUsageMeter } from '../../metrics/metrics.ts';
import { Sampler } from '../../metrics/sampler.ts';
import type { AppMetric } from '../../protocol/messages.ts';
import type { Host } from '../../supervisor/host.ts';
import type { Action, WorkerId } from '../../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';

export interface ObservationSources extends Pick<MetricsSources, 'snapshot' | 'now' | 'requestCounts'> {
  /** Has the core told what the workers have said of themselves by now. */
  look: () => void;
  /** Asks for the application's own metrics; the answers come to `appMetrics()`. */
  askWorkers: AppMetricsSource['ask'];
  /** Hears once that not all of them fit. */
  warn: (message: string) => void;
}

export class Observation {
  readonly extras: AdminExtras;
  readonly #metrics: Metrics;
  readonly #sampler: Sampler;
  readonly #app: AppMetrics;
  #warned = false;

  constructor({ snapshot, now, requestCounts, look, askWorkers, warn }: ObservationSources) {
    this.#app = new AppMetrics({ ask: askWorkers });
    const appMetrics = (): Promise<Collected> => this.#collect(warn);
    this.#metrics = new Metrics({ snapshot, now, requestCounts, ownUsage: ownUsageMeter(containerUsage), appMetrics });
    this.#sampler = new Sampler(this.#metrics, snapshot, look);
    let assets: ReturnType<typeof dashboardAssets> | null = null;
    this.extras = {
      look,
      metrics: async (accept) => {
        const { contentType, text } = await this.#metrics.scrape(negotiateFormat(accept));
        return { contentType, body: text };
      },
      history: () => this.#sampler.history(),
      samples: (listener) => this.#sampler.watch(listener),
      page: (path) => {
        assets ??= dashboardAssets();
        return assets(path);
      },
      pageHeaders: dashboardHeaders,
    };
  }

  /** The same host, with everything that it is asked to do seen here first. */
  watchActions(host: Host): Required<Host> {
    return {
      now: () => host.now(),
      random: () => host.random(),
      memoryRoom: () => host.memoryRoom(),
      perform: (action: Action) => {
        this.#metrics.action(action);
        if (action.type === 'report') this.#sampler.happened();
        host.perform(action);
      },
    };
  }

  input(input: SupervisorInput): void {
    this.#metrics.input(input);
    if (input.type === 'worker-exit') this.#app.ended(input.worker);
  }

  /** All that was counted, for the supervisor that goes on counting. */
  save(): SavedCounts {
    return this.#metrics.save();
  }

  restore(saved: SavedCounts): void {
    this.#metrics.restore(saved);
  }

  /** Counts an event that is no report of the core, and answers it. */
  counted(event: SupervisorEvent): SupervisorEvent {
    this.#metrics.event(event);
    return event;
  }

  appMetrics(worker: WorkerId, seq: number | null, metrics: readonly AppMetric[] | null, leftOut: number): void {
    this.#app.reply(worker, seq, metrics, leftOut);
  }

  async #collect(warn: (message: string) => void): Promise<Collected> {
    const collected = await this.#app.collect();
    if (collected.leftOut > 0 && !this.#warned) {
      this.#warned = true;
      warn(
        `the application counts more than /metrics can hold: ${collected.leftOut} values are left out (tutti_app_metrics_left_out); see docs/metrics.md`,
      );
    }
    return collected;
  }

  /** Keeps the history from now on, also while nobody looks. */
  keepHistory(): void {
    this.#sampler.start();
  }

  end(): void {
    this.#sampler.stop();
  }
}
