// What both sides have to know of requests that run again in another worker.

export type Replay = 'safe' | 'off';

/** How many requests of a kind a worker was serving when it died, and had not begun to answer. */
export interface DyingKind {
  /** As request-kind.ts says it. */
  kind: string;
  count: number;
  /** One of them had been in another worker that died. */
  again: boolean;
  /** The worker had answered some. */
  answered: boolean;
  /** One of them was being started when the process ended. */
  culprit: boolean;
}

/** Method and URL, from the first line of a request's head. */
export function lineOf(head: string): [method: string, url: string] {
  const [method = '', url = ''] = head.slice(0, head.indexOf('\r\n')).split(' ');
  return [method, url];
}
