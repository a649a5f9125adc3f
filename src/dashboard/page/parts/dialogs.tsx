// What is asked before something is done: the confirmation of a command, its number, and the token, once.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Snapshot } from '../../../supervisor/picture/snapshot.ts';
import { rememberToken } from '../state/api.ts';
import { runCommand } from '../state/commands.ts';
import { ask, type Dialog, type PageState } from '../state/store.ts';

export function Dialogs({ state }: { state: PageState }) {
  const { dialog, snapshot } = state;
  if (dialog?.type === 'token') return <AskToken dialog={dialog} />;
  if (!dialog || !snapshot) return null;
  switch (dialog.type) {
    case 'reload':
      return (
        <Ask title="Reload the application?" action="Reload" onConfirm={() => void runCommand({ type: 'reload' })}>
          <p>
            The code, the configuration and the env file are read again. One new worker proves itself first; then the
            others are replaced, new before old, and no request is lost. If the new code does not start, the old one
            stays.
          </p>
        </Ask>
      );
    case 'rollback':
      return (
        <Ask
          title="Go back to the generation before?"
          action="Roll back"
          onConfirm={() => void runCommand({ type: 'rollback' })}
        >
          <p>
            Path, configuration and environment of the generation before {snapshot.generation} are used again. Workers
            are replaced as in a reload.
          </p>
        </Ask>
      );
    case 'recycle':
      return (
        <Ask
          title={`Replace the worker of slot ${dialog.slot}?`}
          action="Recycle"
          onConfirm={() => void runCommand({ type: 'recycle', slot: dialog.slot })}
        >
          <p>A fresh worker of the same generation takes its place before the old one drains and leaves.</p>
        </Ask>
      );
    case 'scale':
      return <AskScale snapshot={snapshot} />;
    case 'profile':
      return <AskProfile slot={dialog.slot} />;
  }
}

function AskScale({ snapshot }: { snapshot: Snapshot }) {
  const [to, setTo] = useState(snapshot.target);
  const change = (by: number) => setTo(Math.min(1024, Math.max(1, to + by)));
  return (
    <Ask title="How many workers?" action={`Scale to ${to}`} onConfirm={() => void runCommand({ type: 'scale', to })}>
      <p>There are {snapshot.target} now. Workers that are too many drain before they leave.</p>
      <div class="stepper">
        <button type="button" class="button" aria-label="One fewer" onClick={() => change(-1)}>
          −
        </button>
        <input
          class="field number"
          type="number"
          min={1}
          max={1024}
          required
          aria-label="Number of workers"
          value={to}
          onInput={(event) => setTo(event.currentTarget.valueAsNumber || 1)}
        />
        <button type="button" class="button" aria-label="One more" onClick={() => change(1)}>
          +
        </button>
      </div>
    </Ask>
  );
}

function AskProfile({ slot }: { slot: number }) {
  const [seconds, setSeconds] = useState(5);
  return (
    <Ask
      title={`Profile slot ${slot}?`}
      action="Record"
      onConfirm={() => void runCommand({ type: 'profile', slot, seconds })}
    >
      <p>It goes on serving, a little slower. The file is saved by your browser.</p>
      <label class="labelled">
        Seconds
        <input
          class="field number"
          type="number"
          min={1}
          max={60}
          required
          value={seconds}
          onInput={(event) => setSeconds(event.currentTarget.valueAsNumber || 1)}
        />
      </label>
    </Ask>
  );
}

function AskToken({ dialog }: { dialog: Extract<Dialog, { type: 'token' }> }) {
  const [token, setToken] = useState('');
  return (
    <Ask
      title="Token needed"
      action="Continue"
      onConfirm={() => {
        rememberToken(token.trim());
        dialog.onToken();
      }}
    >
      {dialog.refused && (
        <p class="bad-text" role="alert">
          That token was not accepted.
        </p>
      )}
      <p>The app’s token opens this door. It stays in this tab until you close it.</p>
      <label class="labelled">
        Token
        <input
          class="field"
          type="password"
          required
          autocomplete="off"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <p class="soft">
        On the machine it is in the file <code>run/&lt;app&gt;.token</code> of tutti’s state folder.
      </p>
    </Ask>
  );
}

interface AskProps {
  title: string;
  action: string;
  onConfirm: () => void;
  children: ComponentChildren;
}

function Ask({ title, action, onConfirm, children }: AskProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} class="dialog" aria-label={title} onClose={() => ask(null)} onCancel={() => ask(null)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask(null);
          onConfirm();
        }}
      >
        <h2>{title}</h2>
        {children}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => ask(null)}>
            Cancel
          </button>
          <button type="submit" class="button primary">
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
