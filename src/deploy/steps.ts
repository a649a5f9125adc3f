// Steps that boot managers have in common, and what those without a socket of their own refuse. Pure.

import { TuttiError } from '../errors.ts';
import type { BootFile, Service, ServiceStep } from './service.ts';

export function run(argv: readonly string[], why: string, mayFail = false): ServiceStep {
  return { do: 'run', argv, why, ...(mayFail && { mayFail }) };
}

/** Of the files that there may be at `paths`, those that are wanted are there afterwards, and no others. */
export function bringTo(
  wanted: readonly BootFile[],
  paths: readonly string[],
  read: (path: string) => string | null,
): ServiceStep[] {
  const stale = paths.filter((path) => read(path) !== null && !wanted.some((file) => file.path === path));
  const changed = wanted.filter(({ path, text }) => read(path) !== text);
  return [
    ...stale.map((path): ServiceStep => ({ do: 'remove', path, why: 'is not part of it any more' })),
    ...changed.map((file): ServiceStep => ({ do: 'write', ...file })),
  ];
}

/** Throws a TuttiError where the service has a socket. */
export function refuseSockets({ sockets }: Service, name: string): void {
  if (sockets.length === 0) return;
  const message = `needs systemd: ${name} holds no port open.`;
  throw new TuttiError('ERR_FLAGS_INVALID', { problems: [{ source: '--socket', message }] });
}
