// The application's response as the result of an invocation, in the words of the front that asked. Pure; in the primary of `tutti lambda`.

import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { EventKind } from './event.ts';
import { type Header, isHopByHop, textValue } from './header-text.ts';

export interface ResponseHead {
  status: number;
  /** As Node read them: in their order, with repetitions. */
  headers: readonly Header[];
}

/** The largest buffered result that Lambda takes, in bytes of JSON: "6 MB" and a little. */
export const MOST_RESULT_BYTES = 6 * 1024 * 1024 + 100;

/** Between the head of a streamed response and its body. */
const delimiter = Buffer.alloc(8);

/** What is answered to an HTTP event, as JSON. */
export function resultOf(kind: EventKind, head: ResponseHead, body: Buffer, method: string): string {
  const text = isText(head, body);
  return JSON.stringify({
    ...headOf(kind, head, method),
    body: body.toString(text ? 'utf8' : 'base64'),
    isBase64Encoded: !text,
  });
}

/** What comes before the body of a streamed response. */
export function preludeOf(kind: EventKind, head: ResponseHead, method: string): Buffer {
  return Buffer.concat([Buffer.from(JSON.stringify(headOf(kind, head, method))), delimiter]);
}

/** What is answered to another event: the JSON that the application wrote, or its text as a JSON string, or null. */
export function eventResult(body: Buffer): string {
  const text = body.toString('utf8');
  if (text.trim() === '') return 'null';
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function headOf(kind: EventKind, { status, headers: raw }: ResponseHead, method: string): object {
  const headers = raw
    .map(([name, value]): Header => [name.toLowerCase(), textValue(value)])
    // The front counts the body itself; only of what a HEAD would get nobody else knows the length.
    .filter(([name]) => !isHopByHop(name) && (name !== 'content-length' || method === 'HEAD'));
  const description = { statusDescription: `${status} ${STATUS_CODES[status] ?? ''}`.trim() };
  if (kind === 'rest') return { statusCode: status, multiValueHeaders: listed(headers) };
  if (kind === 'alb-multi') return { statusCode: status, ...description, multiValueHeaders: listed(headers) };
  const cookies = headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
  const others = joined(headers.filter(([name]) => name !== 'set-cookie'));
  if (kind === 'alb') return { statusCode: status, ...description, headers: { ...others, ...spelt(cookies) } };
  return { statusCode: status, headers: others, ...(cookies.length === 0 ? {} : { cookies }) };
}

function listed(headers: readonly Header[]): Record<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const [name, value] of headers) lists.set(name, [...(lists.get(name) ?? []), value]);
  return Object.fromEntries(lists);
}

function joined(headers: readonly Header[]): Record<string, string> {
  return Object.fromEntries(Object.entries(listed(headers)).map(([name, values]) => [name, values.join(', ')]));
}

/** A load balancer without multi-value headers takes one value for each name, and cookies cannot be joined: each has a spelling of its own. */
function spelt(cookies: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    cookies.map((cookie, index) => {
      let bit = 0;
      const name = 'set-cookie'.replace(/[a-z]/g, (letter) => {
        const isUpper = (index >> bit) & 1;
        bit += 1;
        return isUpper ? letter.toUpperCase() : letter;
      });
      return [name, cookie];
    }),
  );
}

/** A type that is text by its name; what has none may be. */
const textTypes =
  /^$|^text\/|^application\/(json|javascript|ecmascript|xml|yaml|toml|sql|graphql|x-ndjson|x-www-form-urlencoded|x-yaml|x-javascript|xhtml\+xml)$|\+(json|xml|yaml)$/;

/** JSON holds only text in UTF-8; everything else must be base64, also what is compressed. */
function isText({ headers }: ResponseHead, body: Buffer): boolean {
  if (body.length === 0) return true;
  const value = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1].toLowerCase() ?? '';
  if (!['', 'identity'].includes(value('content-encoding').trim())) return false;
  const [type = ''] = value('content-type').split(';');
  return textTypes.test(type.trim()) && isUtf8(body);
}
