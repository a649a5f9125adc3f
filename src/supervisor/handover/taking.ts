// An upgrade as the successor sees it: it starts workers that accept nothing, says when these could serve, and takes over when it is offered.
// Should the old supervisor die before that, whatever it is doing, the successor is the supervisor. Pure; the other side is giving.ts.

/** `alone`: the old one died before it had handed over; it need not be told anything. */
export type Taking = 'preparing' | 'ready' | 'opening' | 'supervising' | 'alone' | 'failed';

export type TakingInput =
  /** Every worker is ready, and has lived for canaryTime. */
  | { type: 'could-serve' }
  | { type: 'could-not-serve'; reason: string }
  | { type: 'offered' }
  | { type: 'doors-opened' }
  /** `isTaken`: another supervisor of the app has them. */
  | { type: 'doors-failed'; reason: string; isTaken: boolean }
  | { type: 'predecessor-gone' };

export type TakingAction =
  | { type: 'say-ready' }
  | { type: 'say-taken' }
  | { type: 'say-failed'; reason: string }
  | { type: 'open-doors' }
  /** The own workers accept from now on. */
  | { type: 'admit' }
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
      return state === 'opening' ? { state: 'supervising', actions: [{ type: 'admit' }, { type: 'say-taken' }] } : stay;
    case 'doors-failed':
      if (state === 'opening') return fail(input.reason);
      // Orphans of the old one have started a supervisor, and it was first.
      return state === 'alone' && input.isTaken ? { state: 'failed', actions: [{ type: 'step-aside' }] } : stay;
    case 'predecessor-gone':
      if (state === 'opening') return { state: 'alone', actions: [{ type: 'admit' }] };
      if (state !== 'preparing' && state !== 'ready') return stay;
      return { state: 'alone', actions: [{ type: 'admit' }, { type: 'open-doors' }] };
  }
}
