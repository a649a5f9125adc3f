// What clients of a port that is about to close do, by fetch(): they tell apart the ways in which it may let them down. Refused before the
// connection is right, anything after it is a loss.

import { Agent } from 'node:http';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import { fetch } from './fetch.ts';

/** A TCP port, or the path of a unix socket. */
export type Place = number | string;

export interface Answer {
  text: string;
  last: boolean;
}

export async function ask(place: Place, path = '/', agent: Agent | false = false): Promise<Answer> {
  const to = typeof place === 'number' ? { port: place } : { socketPath: place };
  const { body, headers } = await fetch({ ...to, path, timeoutMs: 20_000, ...(agent && { agent }) });
  return { text: body, last: headers.connection === 'close' };
}

/** Null: the connection was opened. */
export function refusal(place: Place): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = typeof place === 'number' ? connect(place, '127.0.0.1') : connect(place);
    socket.once('connect', () => {
      resolve(null);
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

const refusing = ['ECONNREFUSED', 'ENOENT'];

export async function untilRefused(place: Place): Promise<void> {
  await eventually(`${place} to refuse`, async () => refusing.includes((await refusal(place)) ?? ''), { everyMs: 5 });
}

/** Keeps asking on one connection until the server has it closed. Rejects if an answer is missing. */
export async function keepAsking(place: Place): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let answers = 1; ; answers += 1) if ((await ask(place, '/?ms=5', agent)).last) return answers;
  } finally {
    agent.destroy();
  }
}

/**
 * Opens connection after connection until one is refused, or reset in the very moment in which the port closes: taking the queue and closing
 * it are two steps. Rejects if a request hangs or an answer breaks off.
 */
export async function keepComing(place: Place): Promise<number> {
  for (let answers = 0; ; answers += 1) {
    try {
      await ask(place);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (refusing.includes(code)) return answers;
      if (code === 'ECONNRESET' && refusing.includes((await refusal(place)) ?? '')) return answers;
      throw error;
    }
  }
}
