// How commands go and how they ended; failures stay until they are read.

import { dismissNotice, type Notice } from '../state/store.ts';
import { Icon } from './icons.tsx';

export function Notices({ notices }: { notices: readonly Notice[] }) {
  return (
    <div class="notices" aria-live="polite">
      {notices.map((notice) => (
        <div key={notice.id} class={`notice ${notice.tone}`} role={notice.tone === 'bad' ? 'alert' : undefined}>
          {notice.tone === 'busy' ? <i class="spinner" /> : <i class="dot" />}
          <div class="notice-text">
            <strong>{notice.title}</strong>
            {notice.detail && <p>{notice.detail}</p>}
            {notice.lines && notice.lines.length > 0 && <pre>{notice.lines.join('\n')}</pre>}
          </div>
          {notice.tone !== 'busy' && (
            <button
              type="button"
              class="button quiet small"
              aria-label="Dismiss"
              onClick={() => dismissNotice(notice.id)}
            >
              <Icon name="close" />
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
