// What the buttons do: send the command, ask for the token when it is needed, and tell how it ended.

import type { CommandResult } from '../../../supervisor/vocabulary/actions.ts';
import { ApiError, knownToken, postCommand, postForFile, rememberToken } from './api.ts';
import { ask, notify, setRunning } from './store.ts';

export type Command =
  | { type: 'reload' }
  | { type: 'rollback' }
  | { type: 'scale'; to: number }
  | { type: 'recycle'; slot: number }
  | { type: 'profile'; slot: number; seconds: number };

/** The name under which a command is listed as running. */
export function commandName(command: Command): string {
  return 'slot' in command ? `${command.type} ${command.slot}` : command.type;
}

export async function runCommand(command: Command): Promise<void> {
  if (knownToken() === null) {
    ask({ type: 'token', refused: false, onToken: () => void runCommand(command) });
    return;
  }
  const name = commandName(command);
  setRunning(name, true);
  const busy = busyTitle(command);
  const dismissBusy = busy === null ? () => {} : notify({ tone: 'busy', title: busy });
  try {
    if (command.type === 'profile') await saveProfile(command.slot, command.seconds);
    else tellResult(command, await postCommand(`/v1/${command.type}`, bodyOf(command)));
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      rememberToken(null);
      ask({ type: 'token', refused: true, onToken: () => void runCommand(command) });
    } else {
      notify({ tone: 'bad', title: `${titleOf(command)} failed`, detail: messageOf(error) });
    }
  } finally {
    dismissBusy();
    setRunning(name, false);
  }
}

function bodyOf(command: Command): Record<string, unknown> {
  switch (command.type) {
    case 'scale':
      return { to: command.to };
    case 'recycle':
      return { slot: command.slot };
    default:
      return {};
  }
}

async function saveProfile(slot: number, seconds: number): Promise<void> {
  const blob = await postForFile('/v1/profile', { slot, seconds });
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = `slot-${slot}.cpuprofile`;
  link.click();
  // The browser takes the file after the click, not during it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  notify({
    tone: 'good',
    title: `Profile of slot ${slot} saved`,
    detail: 'Open it in the Performance panel of DevTools.',
  });
}

function tellResult(command: Command, result: CommandResult): void {
  const title = titleOf(command);
  // The page itself shows what came of a reload, for as long as it holds.
  if ('standing' in result) return;
  switch (result.outcome) {
    case 'done':
      notify({ tone: 'good', title: `${title} done`, ...(result.detail && { detail: result.detail }) });
      break;
    case 'degraded':
      notify({ tone: 'warn', title: `${title}: only in part`, detail: result.reason, lines: result.lastLines });
      break;
    case 'failed':
      notify({ tone: 'bad', title: `${title} failed`, detail: result.reason, lines: result.lastLines });
      break;
    case 'superseded':
      notify({ tone: 'warn', title: `${title} was superseded`, detail: result.reason });
      break;
    case 'refused':
      notify({ tone: 'bad', title: `${title} refused`, detail: result.reason });
      break;
  }
}

function titleOf(command: Command): string {
  switch (command.type) {
    case 'reload':
      return 'Reload';
    case 'rollback':
      return 'Rollback';
    case 'scale':
      return `Scale to ${command.to}`;
    case 'recycle':
      return `Recycle of slot ${command.slot}`;
    case 'profile':
      return `Profile of slot ${command.slot}`;
  }
}

/** Null where the page shows the way itself. */
function busyTitle(command: Command): string | null {
  switch (command.type) {
    case 'reload':
    case 'rollback':
      return null;
    case 'scale':
      return `Scaling to ${command.to} …`;
    case 'recycle':
      return `Replacing the worker of slot ${command.slot} …`;
    case 'profile':
      return `Profiling slot ${command.slot} for ${command.seconds} s while it serves …`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
