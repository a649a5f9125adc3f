// One request to the application, as its clients send them: HTTP/1.1 over a connection of its own, so that none is used which the
// application has closed while the environment was frozen. Runs in the primary.

import type { IncomingMessage, RequestOptions } from 'node:http';
import { messageOf, TuttiError } from '../../errors.ts';
import type { Address } from '../translate/address.ts';
import type { Header } from '../translate/header-text.ts';
import type { HttpRequest } from '../translate/request.ts';
import type { ResponseHead } from '../translate/result.ts';

export interface AppResponse {
  head: ResponseHead;
  /** Throws ERR_LAMBDA_NO_ANSWER if the application breaks it off. */
  body: AsyncIterable<Buffer>;
}

const MOST_HEADER_BYTES = 64 * 1024;

/** Kept with the head of the response. Rejects with the reason of `signal`, or a TuttiError. */
export async function askApp(
  addresses: readonly Address[],
  asked: HttpRequest,
  signal: AbortSignal,
): Promise<AppResponse> {
  let reason = 'it listens nowhere';
  for (const address of addresses) {
    try {
      const response = await send(address, asked, signal);
      return { head: headOf(response), body: bodyOf(response, signal) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      reason = messageOf(error);
      // Only what nobody has taken may be sent somewhere else.
      if (!isUnreachable(error)) throw new TuttiError('ERR_LAMBDA_NO_ANSWER', { reason }, { cause: error });
    }
  }
  throw new TuttiError('ERR_LAMBDA_NO_SERVER', { reason });
}

async function send(address: Address, asked: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { secure, ...where } = address;
  const { request } = secure ? await import('node:https') : await import('node:http');
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    ...where,
    method: asked.method,
    path: asked.target,
    headers: asked.headers.flat(),
    agent: false,
    maxHeaderSize: MOST_HEADER_BYTES,
    signal,
    // The certificate is for the public name, and the other end is known anyway.
    rejectUnauthorized: false,
  };
  return new Promise((done, fail) => {
    const call = request(options);
    call.on('error', fail);
    call.on('response', done);
    call.end(asked.body ?? undefined);
  });
}

function headOf({ statusCode, rawHeaders }: IncomingMessage): ResponseHead {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return { status: statusCode ?? 0, headers };
}

async function* bodyOf(response: IncomingMessage, signal: AbortSignal): AsyncIterable<Buffer> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new TuttiError('ERR_LAMBDA_NO_ANSWER', { reason: messageOf(error) }, { cause: error });
  }
}

function isUnreachable(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return ['ECONNREFUSED', 'ENOENT', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH', 'EHOSTUNREACH'].includes(code);
}
