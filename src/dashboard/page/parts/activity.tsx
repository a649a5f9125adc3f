// What happened, newest first.

import { useState } from 'preact/hooks';
import type { SupervisorEvent } from '../../../supervisor/vocabulary/events.ts';
import { formatClock } from '../format.ts';
import { plainText } from '../state/plain-text.ts';
import { describeEvent } from '../state/sentences.ts';
import type { PageState } from '../state/store.ts';

const shortList = 14;

/** The steps of what is told as a whole elsewhere: of interest to who asks, noise to who glances. */
function isStep(event: SupervisorEvent): boolean {
  switch (event.type) {
    case 'worker-online':
    case 'worker-draining':
    case 'reload-progress':
      return true;
    case 'worker-drained':
      return event.left.length === 0;
    case 'worker-exit':
      return event.reason === 'planned';
    default:
      return false;
  }
}

export function Activity({ state }: { state: PageState }) {
  const [all, setAll] = useState(false);
  const shown = all ? state.events : state.events.filter((record) => !isStep(record.event)).slice(0, shortList);
  return (
    <section aria-labelledby="activity-title">
      <div class="section-head">
        <h2 id="activity-title">Activity</h2>
        {state.events.length > 0 && (
          <button type="button" class="button quiet small" aria-pressed={all} onClick={() => setAll(!all)}>
            {all ? 'less' : 'every step'}
          </button>
        )}
      </div>
      <div class="card list">
        {shown.length === 0 && <p class="empty">Nothing has happened since the supervisor began to tell.</p>}
        <ol class="activity">
          {shown.map((record) => {
            const sentence = describeEvent(record.event);
            return (
              <li key={record.id} class={sentence.tone}>
                <time class="number" dateTime={record.at} title={new Date(record.at).toLocaleString()}>
                  {formatClock(record.at)}
                </time>
                <i class="dot" />
                <div>
                  {sentence.text}
                  {sentence.detail && <span class="soft"> – {plainText(sentence.detail)}</span>}
                  {sentence.lines && sentence.lines.length > 0 && (
                    <details>
                      <summary>last lines</summary>
                      <pre>{sentence.lines.map(plainText).join('\n')}</pre>
                    </details>
                  )}
                </div>
              </li>
            );
          })}
        </ol>
      </div>
    </section>
  );
}
