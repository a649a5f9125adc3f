// An upgrade as the successor sees it: it starts workers that accept nothing, says when these could serve, and takes over when it is offered.
// Should the old supervisor die, whatever it is doing, the successor is the supervisor, and its workers are the successor's to end. Pure; the
// other side is giving.ts.

/** `admitting`: nothing holds the own workers back any more. `supervising`: they accept, and the old one drains its workers. `sole`: they have ended. `alone`: it died before. */
export type Taking = 'preparing' | 'ready' | 'opening' | 'admitting' | 'supervising' | 'sole' | 'alone' | 'failed';

export type TakingInput =
  /** Every worker is ready, and has lived for canaryTime. */
  | { type: 'could-serve' }
  | { type: 'could-not-serve'; reason: string }
  | { type: 'offered' }
  | { type: 'doors-opened' }
  /** The own workers accept, each from a copy of its own. */
  | { type: 'accepting' }
  /** `isTaken`: another supervisor of the app has them. */
  | { type: 'doors-failed'; reason: string; isTaken: boolean }
  /** By its own word its workers have ended. */
  | { type: 'predecessor-done' }
  | { type: 'predecessor-gone' };

export type TakingAction =
  | { type: 'say-ready' }
  | { type: 'say-taken' }
  | { type: 'say-failed'; reason: string }
  | { type: 'open-doors' }
  /** The own workers accept from now on. */
  | { type: 'admit' }
  /** The workers of the old one are told to drain, as soon as the own ones are ready. */
  | { type: 'adopt' }
  /** Stop; the old one goes on. */
  | { type: 'give-up' }
  /** Stop, and lose nothing by it; another supervisor has the app. */
  | { type: 'step-aside' };

export interface TakingTurn {
  state: Taking;
  actions: readonly TakingAction[];
}

export function taking(state: Taking, input: TakingInput): TakingTurn {
  const stay: TakingTurn = { state, actions: [] };
  const fail = (reason: string): TakingTurn => ({
    state: 'failed',
    actions: [{ type: 'say-failed', reason }, { type: 'give-up' }],
  });
  switch (input.type) {
    case 'could-serve':
      return state === 'preparing' ? { state: 'ready', actions: [{ type: 'say-ready' }] } : stay;
    case 'could-not-serve':
      return state === 'preparing' || state === 'ready' ? fail(input.reason) : stay;
    case 'offered':
      return state === 'ready' ? { state: 'opening', actions: [{ type: 'open-doors' }] } : stay;
    case 'doors-opened':
      return state === 'opening' ? { state: 'admitting', actions: [{ type: 'admit' }] } : stay;
    case 'accepting':
      return state === 'admitting' ? { state: 'supervising', actions: [{ type: 'say-taken' }] } : stay;
    case 'doors-failed':
      if (state === 'opening') return fail(input.reason);
      // Orphans of the old one have started a supervisor, and it was first.
      return state === 'alone' && input.isTaken ? { state: 'failed', actions: [{ type: 'step-aside' }] } : stay;
    case 'predecessor-done':
      return state === 'supervising' ? { state: 'sole', actions: [] } : stay;
    case 'predecessor-gone':
      // It may not have heard that it is to drain them.
      if (state === 'admitting' || state === 'supervising') return { state: 'alone', actions: [{ type: 'adopt' }] };
      if (state === 'opening') return { state: 'alone', actions: [{ type: 'admit' }, { type: 'adopt' }] };
      if (state !== 'preparing' && state !== 'ready') return stay;
      return { state: 'alone', actions: [{ type: 'admit' }, { type: 'adopt' }, { type: 'open-doors' }] };
  }
}
