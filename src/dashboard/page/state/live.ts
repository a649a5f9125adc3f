// The stream of what happens, kept open for as long as somebody looks: it comes back by itself after a lost connection or a
// supervisor that was started anew, and rests while the tab is hidden.

import type { HistoryPoint, SlotPoint } from '../../../metrics/history.ts';
import type { SupervisorEvent } from '../../../supervisor/events.ts';
import type { Snapshot } from '../../../supervisor/snapshot.ts';

export interface RecordedEvent {
  id: string;
  at: string;
  event: SupervisorEvent;
}

/** A new picture: once a second with its points, and in between, without them, when something happened. */
export interface LiveSample {
  snapshot: Snapshot;
  second: HistoryPoint | null;
  hour: HistoryPoint | null;
  slots: Record<string, SlotPoint>;
}

export interface LiveListener {
  open(): void;
  lost(): void;
  sample(sample: LiveSample): void;
  event(record: RecordedEvent): void;
}

/** A stream that has said nothing for so long is dead, whatever the browser believes. */
const silenceMs = 5_000;
const retryMs = 700;

export function followLive(listener: LiveListener): void {
  let source: EventSource | null = null;
  let lastEventId = '';
  let heardAt = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const disconnect = () => {
    clearTimeout(retry);
    source?.close();
    source = null;
  };

  const retryLater = () => {
    disconnect();
    listener.lost();
    if (!document.hidden) retry = setTimeout(connect, retryMs);
  };

  const connect = () => {
    disconnect();
    heardAt = performance.now();
    const query = lastEventId === '' ? '' : `?after=${encodeURIComponent(lastEventId)}`;
    source = new EventSource(`/v1/live${query}`);
    source.onopen = () => {
      heardAt = performance.now();
      listener.open();
    };
    source.onerror = retryLater;
    source.addEventListener('sample', (message: MessageEvent<string>) => {
      heardAt = performance.now();
      listener.sample(JSON.parse(message.data) as LiveSample);
    });
    source.addEventListener('event', (message: MessageEvent<string>) => {
      heardAt = performance.now();
      lastEventId = message.lastEventId;
      listener.event(JSON.parse(message.data) as RecordedEvent);
    });
  };

  setInterval(() => {
    if (source && performance.now() - heardAt > silenceMs) retryLater();
  }, 1_000);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) disconnect();
    else if (!source) connect();
  });
  connect();
}
