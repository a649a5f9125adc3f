// Talks to the admin API that served this page. The token lives in sessionStorage: it is gone with the tab.

import type { CommandResult } from '../../../supervisor/vocabulary/actions.ts';

const tokenKey = 'tutti-token';

export function knownToken(): string | null {
  return sessionStorage.getItem(tokenKey);
}

export function rememberToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(tokenKey);
  else sessionStorage.setItem(tokenKey, token);
}

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** The answer, or null where this supervisor does not offer the path. */
export async function getJson<T>(path: string): Promise<T | null> {
  const response = await ask(path, { headers: authorization() });
  if (response.status === 404) return null;
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return (await response.json()) as T;
}

/** Resolves with the outcome, whichever it is; throws an ApiError when the command was not taken at all. */
export async function postCommand(path: string, body: Record<string, unknown>): Promise<CommandResult> {
  const response = await ask(path, {
    method: 'POST',
    headers: { ...authorization(), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json().catch(() => null);
  if (isResult(answer)) return answer;
  throw new ApiError(response.status, messageIn(answer) ?? `The supervisor answered ${response.status}.`);
}

/** A file that the supervisor makes on demand. */
export async function postForFile(path: string, body: Record<string, unknown>): Promise<Blob> {
  const response = await ask(path, {
    method: 'POST',
    headers: { ...authorization(), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return response.blob();
}

export function authorization(): Record<string, string> {
  const token = knownToken();
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { cache: 'no-store', ...init });
  } catch {
    throw new ApiError(0, 'The supervisor does not answer.');
  }
}

export async function problemOf(response: Response): Promise<string> {
  const answer: unknown = await response.json().catch(() => null);
  return messageIn(answer) ?? `The supervisor answered ${response.status}.`;
}

function isResult(answer: unknown): answer is CommandResult {
  return typeof answer === 'object' && answer !== null && 'outcome' in answer && typeof answer.outcome === 'string';
}

function messageIn(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null) return null;
  for (const key of ['message', 'reason', 'error'] as const) {
    const value = (answer as Record<string, unknown>)[key];
    if (typeof value === 'string') return value;
    if (typeof value === 'object' && value !== null) return messageIn(value);
  }
  return null;
}
