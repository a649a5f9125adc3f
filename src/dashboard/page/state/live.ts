// The stream of what happens, kept open for as long as somebody looks: it comes back by itself after a lost connection or a
// supervisor that was started anew, and rests while the tab is hidden.

import type { HistoryPoint, SlotPoint } from '../../../metrics/history.ts';
import type { Snapshot } from '../../../supervisor/picture/snapshot.ts';
import type { SupervisorEvent } from '../../../supervisor/vocabulary/events.ts';
import { openStream } from './event-stream.ts';

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
  /** Reading takes the token here. */
  locked(): void;
  sample(sample: LiveSample): void;
  event(record: RecordedEvent): void;
}

/** A stream that has said nothing for so long is dead, whatever the browser believes. */
const silenceMs = 5_000;
const retryMs = 700;

/** Connects at once and for good. The returned function connects anew, for example when the token is there. */
export function followLive(listener: LiveListener): () => void {
  let close: (() => void) | null = null;
  let lastEventId = '';
  let heardAt = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const disconnect = () => {
    clearTimeout(retry);
    close?.();
    close = null;
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
    close = openStream(`/v1/live${query}`, {
      open: () => listener.open(),
      message: ({ id, event, data }) => {
        heardAt = performance.now();
        if (event === 'sample') listener.sample(JSON.parse(data) as LiveSample);
        if (event === 'event') {
          lastEventId = id;
          listener.event(JSON.parse(data) as RecordedEvent);
        }
      },
      end: (error) => {
        if (error?.status === 401) {
          disconnect();
          listener.locked();
        } else retryLater();
      },
    });
  };

  setInterval(() => {
    if (close && performance.now() - heardAt > silenceMs) retryLater();
  }, 1_000);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) disconnect();
    else if (!close) connect();
  });
  connect();
  return connect;
}
