// What pids belong to, and what their processes hold (Linux). Used by the primary and the CLI.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { statFields } from '../../protocol/orphans/process-identity.ts';

/** The machine's boot and the pid namespace that the numbers belong to; null where it cannot be known. */
export function numberSpace(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}

/** The containers of a pod share folders, but not their process numbers. 0 where it cannot be known. */
export function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

/** Its children that have ended, and for which nobody has waited. None where it cannot be known. */
export function zombiesOf(parent: number): number[] {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => {
      const [state, itsParent] = statFields(pid) ?? [];
      return state === 'Z' && Number(itsParent) === parent;
    });
  } catch {
    // There is no /proc, or no descriptor left to read it.
    return [];
  }
}

/** Whether it holds a TCP or unix socket on which somebody could connect. */
export function holdsPort(pid: number): boolean {
  try {
    const listening = listeningSockets(pid);
    return descriptors(pid).some((target) => listening.has(inodeOf(target)));
  } catch {
    // It has ended, or is another user's.
    return false;
  }
}

/** Whether it holds a socket that is bound to this port, at whatever address, or to this path. */
export function holdsPlace(pid: number, place: number | string): boolean {
  try {
    const bound = typeof place === 'number' ? boundToPort(pid, place) : boundToPath(pid, place);
    return bound.size > 0 && descriptors(pid).some((target) => bound.has(inodeOf(target)));
  } catch {
    // It has ended, or is another user's.
    return false;
  }
}

/** By inode. */
function boundToPort(pid: number, port: number): Set<string> {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((name) => table(pid, name));
  // 0A: LISTEN. 07: of UDP, not connected.
  const found = lines.filter((line) => line[1]?.endsWith(end) && (line[3] === '0A' || line[3] === '07'));
  return new Set(found.map((line) => line[9] ?? ''));
}

function boundToPath(pid: number, path: string): Set<string> {
  const found = table(pid, 'unix').filter((line) => line[7] === path);
  return new Set(found.map((line) => line[6] ?? ''));
}

function inodeOf(target: string): string {
  return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '-';
}

function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // Closed in this moment.
      return '';
    }
  });
}

/** By inode. */
function listeningSockets(pid: number): Set<string> {
  const found = new Set<string>();
  for (const name of ['tcp', 'tcp6']) {
    // sl local_address rem_address st …; 0A: LISTEN.
    for (const line of table(pid, name)) if (line[3] === '0A' && line[9] !== undefined) found.add(line[9]);
  }
  // Num RefCount Protocol Flags Type St Inode Path; 00010000: it listens.
  for (const line of table(pid, 'unix')) if (line[3] === '00010000' && line[6] !== undefined) found.add(line[6]);
  return found;
}

function table(pid: number, name: string): string[][] {
  try {
    const text = readFileSync(`/proc/${pid}/net/${name}`, 'latin1');
    return text.split('\n').map((line) => line.trim().split(/\s+/));
  } catch {
    // No IPv6 here.
    return [];
  }
}
