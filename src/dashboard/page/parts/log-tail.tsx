// The application's output as it is written, if the supervisor keeps it: filtered here, never interpreted.

import { useEffect, useRef, useState } from 'preact/hooks';
import { formatClock } from '../format.ts';
import { openStream } from '../state/event-stream.ts';
import { plainText } from '../state/plain-text.ts';

interface LogRecord {
  time?: string | null;
  slot: number | null;
  stream: 'out' | 'err' | 'tutti';
  line: string;
}

interface LogLine {
  key: number;
  time: string | null;
  slot: number | null;
  stream: LogRecord['stream'];
  text: string;
}

const kept = 500;
const openingLines = 200;

/** `life` changes with every connection to the supervisor: the tail begins anew with it. */
export function LogTail({ life }: { life: number }) {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [filter, setFilter] = useState('');
  const [following, setFollowing] = useState(true);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let count = 0;
    return openStream(`/v1/logs?follow=1&lines=${openingLines}`, {
      open: () => setLines([]),
      message: ({ data }) => {
        count += 1;
        const line = lineOf(data, count);
        setLines((known) => [...known, line].slice(-kept));
      },
      // Over: the list stays as it is until the connection is back.
      end: () => {},
    });
  }, [life]);

  const wanted = filter.toLowerCase();
  const shown = lines.filter((line) => line.text.toLowerCase().includes(wanted));
  useEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length, following]);

  const onScroll = () => {
    const element = box.current;
    if (element) setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < 24);
  };
  return (
    <section aria-labelledby="log-title">
      <div class="section-head">
        <h2 id="log-title">Log</h2>
        <input
          type="search"
          class="field"
          placeholder="Filter"
          aria-label="Show only lines with this text"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
      <div class="card log" ref={box} onScroll={onScroll} role="log" aria-label="Log lines" tabIndex={0}>
        {shown.length === 0 && (
          <p class="empty">{lines.length === 0 ? 'Nothing was written yet.' : 'No line has this text.'}</p>
        )}
        {shown.map((line) => (
          <div key={line.key} class={`log-line ${line.stream}`}>
            {line.time && <time class="number">{formatClock(line.time)}</time>}
            {line.slot !== null && <span class="log-slot">{line.slot}</span>}
            <span class="log-text">{line.text}</span>
          </div>
        ))}
      </div>
    </section>
  );
}

function lineOf(data: string, key: number): LogLine {
  const { time, slot, stream, line } = JSON.parse(data) as LogRecord;
  return { key, time: time || null, slot, stream, text: plainText(line) };
}
