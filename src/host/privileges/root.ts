// Whether this process may run an application as root: on a server only if it is told to, in a container with a word (primary).

import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { pidNamespace } from '../process/process-identity.ts';

/** What tells a server from a container. */
export interface RootFacts {
  isRoot: boolean;
  /** As the kernel calls the first process; null where it cannot be known. */
  first: string | null;
  /** The first process is that of the machine, not of a container. */
  isMachine: boolean;
}

/** What runs a whole machine. */
const INITS = new Set(['systemd', 'init', 'openrc-init', 'runit', 's6-svscan', 'dinit', 'finit', 'shepherd']);
/** Each stands for a container, whatever runs it. */
const MARKS = ['/.dockerenv', '/run/.containerenv', '/run/systemd/container'];
/** The kernel gives its first namespace of pids this number (PROC_PID_INIT_INO). */
const FIRST_NAMESPACE = '4026531836';

/** `refuse`: on a server; `warn`: anywhere else. */
export function rootVerdict(
  { isRoot, first, isMachine }: RootFacts,
  { allowRoot, hasAccount }: { allowRoot: boolean; hasAccount: boolean },
): 'ok' | 'warn' | 'refuse' {
  if (!isRoot || hasAccount || allowRoot) return 'ok';
  return isMachine && first !== null && INITS.has(first) ? 'refuse' : 'warn';
}

export function rootFacts(env: Readonly<Record<string, string | undefined>>): RootFacts {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || process.platform !== 'linux') return { isRoot, first: null, isMachine: false };
  const isMarked = MARKS.some((path) => existsSync(path)) || Boolean(env.container || env.KUBERNETES_SERVICE_HOST);
  const isMachine = !isMarked && pidNamespace() === FIRST_NAMESPACE;
  return { isRoot, first: textOf('/proc/1/comm'), isMachine };
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return null;
  }
}
