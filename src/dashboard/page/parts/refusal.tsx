// A deploy that was refused or broken off: what runs instead, why, and what to look out for. Stays until a reload succeeds.

import type { Snapshot } from '../../../supervisor/picture/snapshot.ts';
import { plainText } from '../state/plain-text.ts';

export function Refusal({ snapshot }: { snapshot: Snapshot | null }) {
  const reload = snapshot?.reload;
  if (!reload?.standing || reload.state !== 'idle') return null;
  const { kind, generation, error, frame = [], standing } = reload;
  return (
    <section class="card refusal warn" role="alert" aria-label="Refused deploy">
      <h2>
        {kind === 'rollback' ? 'Rollback' : 'Reload'} to
        <span class={`generation generation-${generation % 6}`}>gen {generation}</span>
        {standing.headline}
      </h2>
      <p>
        <strong>{standing.summary}</strong>
      </p>
      {error && <p class="refusal-why">{plainText(error)}</p>}
      {frame.length > 0 && <pre>{frame.map(plainText).join('\n')}</pre>}
      {standing.warning && (
        <p>
          <strong>Careful:</strong> {standing.warning}
        </p>
      )}
    </section>
  );
}
