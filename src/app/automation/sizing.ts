// What the limits of the machine or the container come to while the app runs: the number of workers, the heap of each, and what the operator
// is told of throttling and of memory that runs out. The files of the kernel are looked at every two seconds, because a limit can change under
// a running app. Part of the composition; runs in the primary.

import type { LoadedApp } from '../../config/app.ts';
import { type Allowance, explainSizing, heapMib, type Sized, setsHeap, shortOfMemory } from '../../config/sizing.ts';
import { containerUsage } from '../../host/machine/cgroup.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';
import { Throttled } from './throttled.ts';

/** Chosen, not measured: limits change by hand, and a look reads a few files. */
const LOOK_MS = 2000;
/** From here on a container that would end as a whole has its largest worker replaced. */
const PRESSURE = 0.85;

interface Around {
  /** As the last reload has read it. */
  app: () => LoadedApp;
  dispatch: (input: SupervisorInput) => void;
  notice: (level: 'info' | 'warn', message: string) => void;
  report: (event: SupervisorEvent) => void;
}

type Readings = Pick<ReturnType<typeof containerUsage>, 'throttling' | 'memory' | 'kills'>;

export class Sizing {
  readonly #around: Around;
  readonly #read: () => Readings;
  readonly #throttled = new Throttled();
  /** As they were when the workers were last counted. */
  #limits: Allowance;
  #recounted = true;
  #isRunning = false;
  /** A number that an operator or the load has set. */
  #scaledTo = 0;
  #kills: number | null;
  #timer: NodeJS.Timeout | undefined;

  constructor(around: Around, app: LoadedApp, read: () => Readings = containerUsage) {
    this.#around = around;
    this.#read = read;
    this.#limits = app.limits();
    this.#kills = read().kills;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** The lines that explain the start, where the workers have these NODE_OPTIONS. */
  tell(nodeOptions: string | undefined): void {
    const sized = this.#sized(this.#limits, nodeOptions);
    const line = explainSizing(sized);
    if (line !== null) this.#around.notice('info', line);
    const short = shortOfMemory(sized);
    if (short !== null) this.#around.notice('warn', short);
  }

  /** For a worker that is started now with these arguments and this NODE_OPTIONS. In MiB; null: as Node decides. */
  heapMib(nodeArgs: readonly string[], nodeOptions: string | undefined): number | null {
    if (setsHeap(nodeArgs, nodeOptions)) return null;
    const { limits, workers, surge } = this.#sized(this.#around.app().limits(), nodeOptions);
    return heapMib(limits.memoryBytes, workers, surge);
  }

  event(event: SupervisorEvent): void {
    if (event.type === 'state') this.#isRunning = event.state === 'running';
    if (event.type === 'scaled') this.#scaledTo = event.to;
    // It has brought rules that were counted when it began.
    if (event.type === 'reload-done') this.#recounted = false;
  }

  /** Called by its own timer. */
  look(): void {
    const { throttling, memory, kills } = this.#read();
    const { report, dispatch } = this.#around;
    if (this.#isRunning) this.#recount();
    const throttled = this.#throttled.next(throttling);
    if (throttled !== null) report({ type: 'throttled', ...throttled, quota: this.#limits.quota?.cpus ?? null });
    if (kills !== null && this.#kills !== null && kills > this.#kills) {
      report({ type: 'out-of-memory', kills: kills - this.#kills, limitBytes: memory?.limitBytes ?? null });
    }
    this.#kills = kills;
    if (memory?.endsAll && memory.usedBytes >= PRESSURE * memory.limitBytes) {
      dispatch({ type: 'memory-pressure', usedBytes: memory.usedBytes, limitBytes: memory.limitBytes });
    }
  }

  #recount(): void {
    const app = this.#around.app();
    const before = this.#limits;
    const limits = app.limits();
    const changes = changesOf(before, limits);
    if (changes.length === 0 && this.#recounted) return;
    this.#limits = limits;
    this.#recounted = true;
    const reason = changes.join(', ') || 'the configuration changed';
    if (app.recount !== null) this.#around.dispatch({ type: 'resized', workers: app.recount(limits), reason });
    const heap = explainSizing({ ...this.#sized(limits, undefined), isAuto: false, isPlatforms: false });
    if (limits.memoryBytes !== before.memoryBytes && heap !== null) {
      this.#around.notice('info', `${reason}: ${heap}, for workers that start from now on`);
    }
  }

  #sized(limits: Allowance, nodeOptions: string | undefined): Sized {
    const { config, recount, sources } = this.#around.app();
    const workers = Math.max((recount?.(limits) ?? config.workers).max, this.#scaledTo);
    const ownHeap = setsHeap(config.nodeArgs, nodeOptions);
    return {
      limits,
      workers,
      isAuto: recount !== null,
      isPlatforms: sources.workers === 'WEB_CONCURRENCY',
      surge: config.surge,
      ownHeap,
    };
  }
}

/** As sentences about each limit that is another one. */
function changesOf(before: Allowance, now: Allowance): string[] {
  const changes: string[] = [];
  if (before.quota?.cpus !== now.quota?.cpus) {
    changes.push(now.quota === null ? 'there is no CPU quota any more' : `${now.quota.from} is ${now.quota.cpus} now`);
  }
  if (before.allCpus !== now.allCpus) changes.push(`the app may run on ${now.allCpus} CPUs now`);
  if (before.memoryBytes !== now.memoryBytes) {
    const mib = now.memoryBytes === null ? 'none' : `${Math.round(now.memoryBytes / 2 ** 20)} MiB`;
    changes.push(`the memory limit is ${mib} now`);
  }
  return changes;
}
