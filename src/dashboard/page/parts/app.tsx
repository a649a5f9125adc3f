// The page from top to bottom.

import { useEffect } from 'preact/hooks';
import { useStore } from '../state/store.ts';
import { Activity } from './activity.tsx';
import { Charts } from './charts.tsx';
import { Dialogs } from './dialogs.tsx';
import { Figures } from './figures.tsx';
import { Incidents } from './incidents.tsx';
import { LogTail } from './log-tail.tsx';
import { Masthead } from './masthead.tsx';
import { Notices } from './notices.tsx';
import { Refusal } from './refusal.tsx';
import { ReloadPanel } from './reload-panel.tsx';
import { Workers } from './workers.tsx';

export function App() {
  const state = useStore();
  const name = state.snapshot?.name;
  useEffect(() => {
    document.title = name ? `${name} – tutti` : 'tutti';
  }, [name]);
  return (
    <div class={state.connection === 'lost' ? 'page stale' : 'page'}>
      <Masthead state={state} />
      <main>
        <Refusal snapshot={state.snapshot} />
        <ReloadPanel snapshot={state.snapshot} />
        <Figures state={state} />
        {state.snapshot && <Charts state={state} />}
        <Workers state={state} />
        <Incidents incidents={state.incidents} />
        <div class="two-columns">
          <Activity state={state} />
          {state.offers.has('/v1/logs') && <LogTail life={state.life} />}
        </div>
      </main>
      <Notices notices={state.notices} />
      <Dialogs key={state.dialog?.type} state={state} />
    </div>
  );
}
