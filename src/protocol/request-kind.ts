// Groups requests that are the same to an application. Used by both sides.

const NUMBER_OR_ID = /^\d+$|^[0-9a-f]{8}-[0-9a-f-]{27}$|^[0-9a-f]{16,}$/i;

/** For example `GET /users/:id`: paths that differ only in numbers and identifiers are one kind, and queries do not count. */
export function requestKind(method: string, url: string): string {
  const pattern = withoutQuery(url)
    .split('/')
    .map((part) => (NUMBER_OR_ID.test(part) ? ':id' : part))
    .join('/');
  return `${method} ${pattern}`;
}

export function withoutQuery(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
