// What both sides must know about requests that run again in another worker.

export type Replay = 'safe' | 'off';

/** The requests of one kind that a dying worker had not begun to answer. */
export interface DyingKind {
  /** As in request-kind.ts. */
  kind: string;
  count: number;
  /** One of them had already been in another worker that died. */
  again: boolean;
  /** The worker had answered others of this kind. */
  answered: boolean;
  /** One of them had just been given to the application when the process ended. */
  culprit: boolean;
}

/** Method and URL, from the first line of a request's head. */
export function lineOf(head: string): [method: string, url: string] {
  const [method = '', url = ''] = head.slice(0, head.indexOf('\r\n')).split(' ');
  return [method, url];
}
