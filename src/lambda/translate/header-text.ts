// Header values: bytes on the wire, which Node shows as latin1, and text in JSON. Pure; in the primary of `tutti lambda`.

import { isUtf8 } from 'node:buffer';

export type Header = readonly [name: string, value: string];

/** What concerns one connection, and not the request or the response that passes it. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function isHopByHop(name: string): boolean {
  return hopByHop.has(name);
}

/** For Node's http: the value's UTF-8, one character for each byte. */
export function wireValue(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** From Node's http: UTF-8 where the bytes are that, else latin1. */
export function textValue(wire: string): string {
  if (isAscii(wire)) return wire;
  const bytes = Buffer.from(wire, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : wire;
}

/** JSON that any header can hold. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e\t]*$/.test(text);
}
