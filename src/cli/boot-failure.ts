// Why the first start failed, as the error and exit code that `tutti run` ends with. A port that is taken or forbidden gets an exit
// code of its own, but only when every worker died of exactly that.

import { TuttiError } from '../errors.ts';
import type { SupervisorEvent } from '../supervisor/events.ts';

type Exit = Extract<SupervisorEvent, { type: 'worker-exit' }>;

interface BindError {
  code: 'EADDRINUSE' | 'EACCES';
  where: string;
}

/** How many of the worker's last lines the message repeats. */
const mostLines = 12;

export class BootFailure {
  readonly #exits: Exit[] = [];

  event(event: SupervisorEvent): void {
    if (event.type === 'worker-exit' && event.reason === 'never-ready') this.#exits.push(event);
  }

  /** The error for exit code 3: `reason` is the supervisor's. */
  error(reason: string): TuttiError {
    const found = this.#exits.map(bindErrorOf);
    const [first] = found;
    if (first != null && found.every((each) => each?.code === first.code && each.where === first.where)) {
      return first.code === 'EADDRINUSE'
        ? new TuttiError('ERR_PORT_IN_USE', { where: first.where })
        : new TuttiError('ERR_PORT_FORBIDDEN', { where: first.where });
    }
    const lastLines = this.#exits.at(-1)?.lastLines.slice(-mostLines) ?? [];
    return new TuttiError('ERR_NEVER_READY', { reason, lastLines });
  }
}

/** Node's own words for a bind that failed, from an uncaught 'error' event. */
function bindErrorOf(exit: Exit): BindError | null {
  const said = [exit.detail, ...exit.lastLines].join('\n');
  const match = /Error: (?:listen|bind) (EADDRINUSE|EACCES): [^\n]*?(?:already in use|permission denied) (\S+)/.exec(
    said,
  );
  return match === null ? null : { code: match[1] as BindError['code'], where: match[2] ?? '' };
}
