// Gathers what is known when a worker ends badly and makes an incident of it: part of the composition, in the primary. It decides
// nothing; the core says why a worker ended, the host what it saw.

import type { Autopsy } from '../host/look/autopsy.ts';
import type { IncidentStore } from '../logs/incidents/incident-store.ts';
import { hangSummary } from '../logs/incidents/incident-text.ts';
import { requestKind } from '../protocol/request-kind.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';
import type { Incident, RequestInFlight } from '../supervisor/vocabulary/incident.ts';
import type { LastWords } from '../supervisor/vocabulary/inputs.ts';
import type { WorkerExit } from './start-failure.ts';

interface Ref {
  slot: number | null;
  pid: number | null;
  generation: number;
}

type Happened = Omit<Incident, 'serial'>;

/** An incident that repeats in the same way within this time is counted, not stored again. */
const SAME_MS = 10 * 60_000;
/** That many deaths in a row with the same request in flight are no accident. */
const POISON_DEATHS = 3;

export interface EvidenceOptions {
  app: string;
  store: IncidentStore;
  report: (event: SupervisorEvent) => void;
  now: () => Date;
}

export class IncidentCollector {
  readonly #options: EvidenceOptions;
  readonly #lastWords = new Map<number, LastWords>();
  /** Patterns of the requests in flight at the last deaths, newest last. */
  #deaths: { at: number; patterns: Set<string> }[] = [];
  readonly #warned = new Map<string, number>();
  #count = 0;

  constructor(options: EvidenceOptions) {
    this.#options = options;
  }

  /** What the host knows of an exit, before the core has said what it means. */
  ended(pid: number, lastWords: LastWords): void {
    this.#lastWords.set(pid, lastWords);
  }

  hung(worker: Ref, uptimeMs: number, { doing, stack, why, requests }: Autopsy): void {
    this.#store({
      ...this.#base(worker),
      kind: 'hang',
      summary: hangSummary(doing, stack, requests),
      uptimeMs,
      doing,
      stack,
      noStack: why,
      requests,
    });
    this.#noteDeath(requests);
  }

  exited(event: WorkerExit): void {
    const words = event.pid === null ? undefined : this.#lastWords.get(event.pid);
    if (event.pid !== null) this.#lastWords.delete(event.pid);
    const kind = kinds[event.reason];
    if (kind === undefined) return;
    const requests = words?.requests ?? [];
    this.#store({
      ...this.#base(event),
      kind,
      summary: event.detail,
      uptimeMs: event.uptimeMs,
      exit: { code: event.code, signal: event.signal, detail: event.detail },
      error: words?.error ?? null,
      requests,
      lastLines: event.lastLines,
    });
    if (event.reason === 'crashed') this.#noteDeath(requests);
  }

  #base({ slot, pid, generation }: Ref): Happened {
    const at = this.#options.now().toISOString();
    this.#count += 1;
    return {
      schema: 1,
      id: `${at.replaceAll(/[-:.]/g, '')}-${slot ?? 'spare'}-${this.#count}`,
      app: this.#options.app,
      kind: 'crash',
      at,
      lastAt: at,
      count: 1,
      summary: '',
      slot,
      pid,
      generation,
      uptimeMs: null,
      exit: null,
      doing: null,
      stack: null,
      noStack: null,
      error: null,
      requests: [],
      lastLines: [],
    };
  }

  #store(incident: Happened): void {
    const { store, report } = this.#options;
    const same = store
      .list()
      .find(
        (known) =>
          known.kind === incident.kind &&
          known.summary === incident.summary &&
          Date.parse(incident.at) - Date.parse(known.lastAt) < SAME_MS,
      );
    if (same !== undefined) {
      store.put({ ...incident, id: same.id, at: same.at, count: same.count + 1 });
      return;
    }
    store.put(incident);
    const { id, summary, slot, pid, generation } = incident;
    report({ type: 'incident', id, summary, told: incident.exit !== null, slot, pid, generation });
  }

  #noteDeath(requests: readonly RequestInFlight[]): void {
    const now = this.#options.now().getTime();
    this.#deaths = [
      ...this.#deaths,
      { at: now, patterns: new Set(requests.map(({ method, path }) => requestKind(method, path))) },
    ].slice(-POISON_DEATHS);
    if (this.#deaths.length < POISON_DEATHS || now - (this.#deaths[0]?.at ?? 0) > SAME_MS) return;
    const [first, ...others] = this.#deaths;
    const common = [...(first?.patterns ?? [])].filter((pattern) =>
      others.every(({ patterns }) => patterns.has(pattern)),
    );
    const fresh = common.filter((pattern) => now - (this.#warned.get(pattern) ?? 0) > SAME_MS);
    if (fresh.length === 0) return;
    for (const pattern of fresh) this.#warned.set(pattern, now);
    const message = `poison request? The last ${POISON_DEATHS} workers that died were all serving ${fresh.slice(0, 3).join(' and ')}.`;
    this.#options.report({ type: 'notice', level: 'warn', message });
  }
}

const kinds: Partial<Record<WorkerExit['reason'], Incident['kind']>> = {
  crashed: 'crash',
  killed: 'kill',
  'timed-out': 'timeout',
  'never-ready': 'boot',
};
