// The one place that knows what the page shows. Parts read it through useStore() and are drawn anew when it changes.

import { useEffect, useState } from 'preact/hooks';
import type { HistoryPoint, HistoryView, SlotLine, SlotPoint } from '../../../metrics/history.ts';
import type { Snapshot } from '../../../supervisor/picture/snapshot.ts';
import type { SupervisorEvent } from '../../../supervisor/vocabulary/events.ts';
import type { Incident } from '../../../supervisor/vocabulary/incident.ts';
import { getJson, knownToken, rememberToken } from './api.ts';
import { followLive, type RecordedEvent } from './live.ts';
import { appended, continued } from './points.ts';

/** An incident report, with the text that people read. */
export type IncidentReport = Incident & { text: string };

export interface Notice {
  id: number;
  tone: 'good' | 'bad' | 'warn' | 'busy';
  title: string;
  detail?: string;
  lines?: readonly string[];
}

/** What is asked before something is done. */
export type Dialog =
  | { type: 'reload' }
  | { type: 'rollback' }
  | { type: 'scale' }
  | { type: 'recycle'; slot: number }
  | { type: 'profile'; slot: number }
  | { type: 'token'; refused: boolean; onToken: () => void };

export interface PageState {
  connection: 'connecting' | 'live' | 'lost';
  /** Counts the connections that were made: what has a stream of its own opens it anew when this changes. */
  life: number;
  snapshot: Snapshot | null;
  /** When `snapshot` arrived, by this browser's clock. */
  snapshotAt: number;
  seconds: HistoryPoint[];
  hour: HistoryPoint[];
  slots: Record<string, SlotLine>;
  /** Newest first. */
  events: RecordedEvent[];
  incidents: IncidentReport[] | null;
  /** Paths of the API that this supervisor has. */
  offers: ReadonlySet<string>;
  notices: Notice[];
  dialog: Dialog | null;
  /** What was ordered and is not done yet, e.g. `reload` or `recycle 2`. */
  running: string[];
}

const eventsKept = 300;
const secondsKept = 300;
const hourKept = 360;
const slotKept = 60;

let state: PageState = {
  connection: 'connecting',
  life: 0,
  snapshot: null,
  snapshotAt: 0,
  seconds: [],
  hour: [],
  slots: {},
  events: [],
  incidents: null,
  offers: new Set(),
  notices: [],
  dialog: null,
  running: [],
};
const watchers = new Set<() => void>();
let noticeCount = 0;

export function useStore(): PageState {
  const [seen, setSeen] = useState(state);
  useEffect(() => {
    const watch = () => setSeen(state);
    watchers.add(watch);
    watch();
    return () => {
      watchers.delete(watch);
    };
  }, []);
  return seen;
}

function update(change: Partial<PageState>): void {
  state = { ...state, ...change };
  for (const watch of watchers) watch();
}

/** Shows a notice; the returned function takes it away. What went well leaves by itself. */
export function notify(notice: Omit<Notice, 'id'>): () => void {
  noticeCount += 1;
  const id = noticeCount;
  const dismiss = () => dismissNotice(id);
  update({ notices: [...state.notices, { id, ...notice }] });
  if (notice.tone === 'good') setTimeout(dismiss, 6_000);
  return dismiss;
}

export function dismissNotice(id: number): void {
  update({ notices: state.notices.filter((notice) => notice.id !== id) });
}

export function ask(dialog: Dialog | null): void {
  update({ dialog });
}

export function setRunning(what: string, running: boolean): void {
  update({ running: [...state.running.filter((one) => one !== what), ...(running ? [what] : [])] });
}

export function startStore(): void {
  const connect = followLive({
    open: () => {
      update({ life: state.life + 1 });
      void catchUp();
    },
    lost: () => update({ connection: 'lost' }),
    locked: () => {
      const refused = knownToken() !== null;
      rememberToken(null);
      update({ connection: 'connecting' });
      ask({ type: 'token', refused, onToken: () => connect() });
    },
    sample: ({ snapshot, second, hour, slots }) => {
      const known = state.snapshot;
      if (known && known.pid !== snapshot.pid) {
        notify({ tone: 'good', title: 'The supervisor was started anew.' });
      }
      update({
        connection: 'live',
        snapshot,
        snapshotAt: performance.now(),
        ...(second && {
          seconds: appended(state.seconds, second, secondsKept),
          slots: longer(state.slots, slots),
        }),
        ...(hour && { hour: appended(state.hour, hour, hourKept) }),
      });
    },
    event: (record) => {
      if (state.events.some((known) => known.id === record.id)) return;
      update({ events: [record, ...state.events].slice(0, eventsKept) });
      if (tellsOfIncident(record.event)) void loadIncidents();
    },
  });
}

/** What happened before this page looked, or while it did not. */
async function catchUp(): Promise<void> {
  try {
    const api = await getJson<{ paths: Record<string, unknown> }>('/openapi.json');
    update({ offers: new Set(Object.keys(api?.paths ?? {})) });
    const history = await getJson<HistoryView>('/v1/history');
    if (history) {
      update({
        seconds: continued(history.seconds.points, state.seconds),
        hour: continued(history.hour.points, state.hour),
        slots: history.slots,
      });
    }
    await loadIncidents();
  } catch {
    // The stream says whether the supervisor is there; the next connection asks again.
  }
}

/** One that happens again is counted in the report that is there, without an event of its own. */
function tellsOfIncident(event: SupervisorEvent): boolean {
  return event.type === 'incident' || (event.type === 'worker-exit' && event.reason !== 'planned');
}

let isLoading = false;
let isStale = false;

/** However often it is called, one after the other, and once more when something happened meanwhile. */
async function loadIncidents(): Promise<void> {
  if (!state.offers.has('/v1/incidents')) return;
  isStale = true;
  if (isLoading) return;
  isLoading = true;
  while (isStale) {
    isStale = false;
    const answer = await getJson<{ incidents: IncidentReport[] }>('/v1/incidents').catch(() => null);
    if (answer) update({ incidents: answer.incidents });
  }
  isLoading = false;
}

/** The lines of the slots that still are there, each with its new point. */
function longer(lines: Record<string, SlotLine>, points: Record<string, SlotPoint>): Record<string, SlotLine> {
  return Object.fromEntries(
    Object.entries(points).map(([slot, point]) => {
      const line = lines[slot];
      return [
        slot,
        {
          requestsPerSecond: [...(line?.requestsPerSecond ?? []), point.requestsPerSecond].slice(-slotKept),
          cpuPercent: [...(line?.cpuPercent ?? []), point.cpuPercent].slice(-slotKept),
          memoryBytes: [...(line?.memoryBytes ?? []), point.memoryBytes].slice(-slotKept),
        },
      ];
    }),
  );
}
