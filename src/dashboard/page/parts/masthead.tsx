// The head of the page: which app, how it is, and what can be done with it.

import { formatDuration } from '../format.ts';
import { placeOf } from '../state/sentences.ts';
import { ask, type PageState } from '../state/store.ts';
import { Icon } from './icons.tsx';
import { ThemeButton } from './theme-button.tsx';

export function Masthead({ state }: { state: PageState }) {
  const { snapshot, connection, running } = state;
  const live = connection === 'live' && snapshot !== null;
  const replacing = running.includes('reload') || running.includes('rollback');
  return (
    <header class="masthead">
      <div class="masthead-name">
        <h1>{snapshot?.name ?? 'tutti'}</h1>
        <StateBadge state={state} />
      </div>
      {snapshot && (
        <p class="masthead-facts">
          <span title={snapshot.entry}>{snapshot.entry.split('/').slice(-2).join('/')}</span>
          {snapshot.listeners.map((one) => {
            const where = placeOf(one);
            const url = one.scheme && one.port ? `${one.scheme}://${linkHost(one.address)}:${one.port}` : null;
            return (
              <span key={where}>
                {url ? (
                  <a href={url} target="_blank" rel="noreferrer">
                    {where}
                  </a>
                ) : (
                  where
                )}
              </span>
            );
          })}
          <span>generation {snapshot.generation}</span>
          <span>up {formatDuration(snapshot.uptimeMs)}</span>
          <span>
            pid <span class="number">{snapshot.pid}</span>
          </span>
          <span>node {snapshot.node.replace(/^v/, '')}</span>
          <span>tutti {snapshot.version}</span>
        </p>
      )}
      <fieldset class="masthead-commands" aria-label="Commands">
        <button
          type="button"
          class="button primary"
          disabled={!live || replacing}
          onClick={() => ask({ type: 'reload' })}
        >
          <Icon name="reload" />
          Reload
        </button>
        <button type="button" class="button" disabled={!live || replacing} onClick={() => ask({ type: 'rollback' })}>
          <Icon name="rollback" />
          Rollback
        </button>
        <button
          type="button"
          class="button"
          disabled={!live || running.includes('scale')}
          onClick={() => ask({ type: 'scale' })}
        >
          <Icon name="scale" />
          Scale
        </button>
        <ThemeButton />
      </fieldset>
    </header>
  );
}

function StateBadge({ state }: { state: PageState }) {
  const { snapshot, connection } = state;
  if (connection === 'lost') {
    return (
      <span class="badge bad" role="status">
        <i class="dot pulsing" />
        no connection – trying again
      </span>
    );
  }
  if (!snapshot) return <span class="badge">connecting …</span>;
  const ready = snapshot.workers.filter((worker) => worker.state === 'ready').length;
  const refused = snapshot.reload.state === 'idle' && Boolean(snapshot.reload.standing);
  const tone =
    snapshot.circuit === 'open' || ready === 0
      ? 'bad'
      : snapshot.state === 'running' && ready >= snapshot.target && !refused
        ? 'good'
        : 'warn';
  return (
    <span class={`badge ${tone}`} role="status">
      <i class={snapshot.state === 'running' ? 'dot' : 'dot pulsing'} />
      {snapshot.circuit === 'open' ? 'circuit open' : snapshot.state}
      {refused && ', deploy refused'}
      <span class="badge-more">
        {ready} of {snapshot.target} ready
      </span>
    </span>
  );
}

/** What listens on all addresses is reached under the name that this page was reached under. */
function linkHost(address: string | undefined): string {
  if (!address || address === '::' || address === '0.0.0.0') return location.hostname;
  return address.includes(':') ? `[${address}]` : address;
}
