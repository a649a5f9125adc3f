// The path and the query of a request, as near to what the client typed as the event says. Pure; in the primary of `tutti lambda`.

import { type EventKind, type Fields, fieldsOf, isFilled } from './event.ts';

/**
 * The request target. Nothing is decoded: REST APIs, function URLs and load balancers leave paths as they were, HTTP APIs have decoded
 * theirs, and an event does not say by which it came; so only what can stand in no path is escaped. `basePath` is taken off where it is the
 * beginning, as whole segments.
 */
export function targetOf(event: Fields, kind: EventKind, basePath: string): string {
  const path = escaped(pathOf(event, kind), /[?#]/g);
  const query = escaped(queryOf(event, kind), /#/g);
  return `${without(basePath, path)}${query === '' ? '' : `?${query}`}`;
}

function pathOf({ rawPath, path }: Fields, kind: EventKind): string {
  const text = String(kind === 'http' ? rawPath : path);
  return text.startsWith('/') || text === '*' ? text : `/${text}`;
}

function queryOf(event: Fields, kind: EventKind): string {
  if (kind === 'http') return typeof event.rawQueryString === 'string' ? event.rawQueryString : '';
  const multi = fieldsOf(event.multiValueQueryStringParameters);
  const parameters = isFilled(multi) ? multi : fieldsOf(event.queryStringParameters);
  // API Gateway has decoded them; the load balancer has not.
  const encode = kind === 'rest' ? (text: string) => encodeURIComponent(wellFormed(text)) : (text: string) => text;
  return Object.entries(parameters)
    .flatMap(([name, values]) => [values].flat().map((value) => [name, String(value ?? '')] as const))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
}

function without(basePath: string, path: string): string {
  if (basePath === '') return path;
  if (path === basePath) return '/';
  return path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
}

/** What Node would refuse to send, and what `also` names, percent-encoded as UTF-8. */
function escaped(text: string, also: RegExp): string {
  return wellFormed(text)
    .replace(/%(?![0-9a-fA-F]{2})/g, '%25')
    .replace(/[^\x21-\x7e]+/g, (found) => encodeURIComponent(found))
    .replace(also, (found) => encodeURIComponent(found));
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** With one slash before it and none after; empty for none. */
export function normalBasePath(text: string): string {
  const inner = text.replace(/^\/+|\/+$/g, '');
  return inner === '' ? '' : `/${inner}`;
}
