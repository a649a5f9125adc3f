// The core of one app, with those who look on: what it is told and what it decides is counted, and traced where TUTTI_TRACE asks for
// that. Part of the composition; runs in the primary.

import type { Heritage } from '../../supervisor/handover/heritage.ts';
import type { Host } from '../../supervisor/host.ts';
import type { CoreSnapshot } from '../../supervisor/picture/core-snapshot.ts';
import { Supervisor, type SupervisorOptions } from '../../supervisor/supervisor.ts';
import type { SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';
import { version } from '../../version.ts';
import type { Observation } from './observation.ts';
import type { Trace } from './trace.ts';

/** Nothing here throws, but for its constructor: what the core throws goes to `failed`, and it must not be told anything after that. */
export class ObservedCore {
  readonly #options: SupervisorOptions;
  readonly #host: Host;
  readonly #supervisor: Supervisor;
  readonly #observation: Observation;
  readonly #failed: (error: unknown) => void;
  #trace: Trace | null = null;

  constructor(options: SupervisorOptions, host: Host, observation: Observation, failed: (error: unknown) => void) {
    this.#options = options;
    this.#host = observation.watchActions(host);
    this.#supervisor = new Supervisor(options, this.#host);
    this.#observation = observation;
    this.#failed = failed;
  }

  /** Traces to `file` from now on. Without a trace the app runs as well: what fails is told in one line. */
  async trace(file: string, warn: (message: string) => void): Promise<void> {
    try {
      const { openTraceFile, Trace } = await import('./trace.ts');
      this.#trace = new Trace(openTraceFile(file), version, this.#options, this.#host, this.#supervisor.startedAt);
    } catch (error) {
      warn(`runs without a trace of the core, because TUTTI_TRACE=${file} cannot be written: ${String(error)}`);
    }
  }

  start(): void {
    this.#take(null, () => this.#supervisor.start());
  }

  dispatch(input: SupervisorInput): void {
    this.#take(input, () => {
      this.#observation.input(input);
      this.#supervisor.dispatch(input);
    });
  }

  snapshot(): CoreSnapshot {
    return this.#supervisor.snapshot();
  }

  heritage(): Heritage {
    return this.#supervisor.heritage();
  }

  async close(): Promise<void> {
    this.#observation.end();
    await this.#trace?.close();
  }

  #take(input: SupervisorInput | null, act: () => void): void {
    try {
      if (this.#trace === null) act();
      else this.#trace.during(input, act);
    } catch (error) {
      this.#failed(error);
    }
  }
}
