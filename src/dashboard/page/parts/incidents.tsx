// What went wrong and why: one entry per incident report, with the stack when there is one.

import { formatWhen } from '../format.ts';
import { plainText } from '../state/plain-text.ts';
import type { IncidentReport } from '../state/store.ts';

export function Incidents({ incidents }: { incidents: readonly IncidentReport[] | null }) {
  if (!incidents || incidents.length === 0) return null;
  return (
    <section aria-labelledby="incidents-title">
      <div class="section-head">
        <h2 id="incidents-title">Incidents</h2>
        <p>{incidents.length}</p>
      </div>
      <div class="card list">
        {incidents.map((incident) => (
          <details key={incident.id} class="incident">
            <summary>
              <time class="number" dateTime={incident.lastAt} title={new Date(incident.lastAt).toLocaleString()}>
                {formatWhen(incident.lastAt)}
              </time>
              <span class="badge bad">{incident.kind}</span>
              {incident.count > 1 && <span class="soft">{incident.count} times</span>}
              {incident.slot !== null && <span class="soft">slot {incident.slot}</span>}
              <span>{plainText(incident.summary)}</span>
            </summary>
            <pre>{plainText(incident.text)}</pre>
          </details>
        ))}
      </div>
    </section>
  );
}
