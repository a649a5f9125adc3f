// An upgrade as the old supervisor sees it: a successor starts beside it and brings up workers of its own; only when these could serve is
// everything handed over. Until the successor has said that it took it, every death, failure and delay leaves the old one as it was. Pure; the other
// side is taking.ts.

/**
 * `preparing`: the successor starts. `offered`: it is ready, the old one's doors are closed and commands are refused. `given`: the successor is the
 * supervisor now, and nothing changes that any more.
 */
export type Giving = 'idle' | 'preparing' | 'offered' | 'given';

export type GivingInput =
  | { type: 'asked' }
  | { type: 'said-ready' }
  | { type: 'said-taken' }
  /** By its own word. */
  | { type: 'said-failed'; reason: string }
  /** Its process has ended, or could not be started. */
  | { type: 'gone'; how: string }
  /** The time of this step is over. */
  | { type: 'late' }
  /** The app is told to stop. */
  | { type: 'stopping' };

export type GivingAction =
  | { type: 'start' }
  /** The successor, and drain what it leaves: its workers may accept by now. */
  | { type: 'kill' }
  /** Close the doors, and offer what goes on. */
  | { type: 'offer' }
  | { type: 'open-doors' }
  /** Drain the own workers and end. */
  | { type: 'leave' }
  | { type: 'fail'; reason: string };

export interface GivingTurn {
  state: Giving;
  actions: readonly GivingAction[];
}

const late = {
  preparing: 'the successor was not ready in time, and was killed',
  offered: 'the successor did not take over in time, and was killed',
};

export function giving(state: Giving, input: GivingInput): GivingTurn {
  if (state === 'idle')
    return input.type === 'asked' ? { state: 'preparing', actions: [{ type: 'start' }] } : stay(state);
  if (state === 'given') return stay(state);
  const failed = (reason: string, isStopping = false): GivingTurn => {
    const doors: GivingAction[] = state === 'offered' && !isStopping ? [{ type: 'open-doors' }] : [];
    return { state: 'idle', actions: [{ type: 'kill' }, ...doors, { type: 'fail', reason }] };
  };
  switch (input.type) {
    case 'said-ready':
      return state === 'preparing' ? { state: 'offered', actions: [{ type: 'offer' }] } : stay(state);
    case 'said-taken':
      return state === 'offered' ? { state: 'given', actions: [{ type: 'leave' }] } : stay(state);
    case 'said-failed':
      return failed(input.reason);
    case 'gone':
      return failed(input.how);
    case 'late':
      return failed(late[state]);
    case 'stopping':
      return failed('the app is being stopped', true);
    case 'asked':
      return stay(state);
  }
}

function stay(state: Giving): GivingTurn {
  return { state, actions: [] };
}
