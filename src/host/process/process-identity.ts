// Identifies a process by its pid and the time of its birth, because pids are reused (primary; Linux).

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** In the kernel's own clock ticks since the machine was booted. */
  born: string;
}

export interface ProcessStatus extends ProcessIdentity {
  /** T: stopped. */
  state: string;
}

/** Null if no such process lives (a zombie does not), or if it cannot be known. */
export function processStatus(pid: number): ProcessStatus | null {
  const [state = 'X', ...fields] = statFields(pid) ?? [];
  const born = fields[18];
  return born === undefined || state === 'Z' || state === 'X' ? null : { pid, born, state };
}

/** The fields of /proc/<pid>/stat from the state on, which is the third field in proc(5); null if it cannot be read. */
export function statFields(pid: number): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before it is in parentheses, and may contain parentheses and blanks itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

export function lives({ pid, born }: ProcessIdentity): boolean {
  return processStatus(pid)?.born === born;
}

/** The machine's boot and the pid namespace that the numbers belong to; null where it cannot be known. */
export function numberSpace(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}

/** Whether it holds a listening TCP or unix socket. */
export function holdsPort(pid: number): boolean {
  try {
    const listening = listeningSockets(pid);
    return descriptors(pid).some((target) => listening.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? ''));
  } catch {
    // It has ended, or is another user's.
    return false;
  }
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
