// What the kernel says of processes, from /proc. A test marks the environment of what it starts, and finds it again by
// that mark even after a parent has died and its processes belong to somebody else.

import { readdirSync, readFileSync } from 'node:fs';

export const MARK_VARIABLE = 'RIG_MARK';

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** R, S, D, Z (zombie), T (stopped) … */
  state: string;
  command: string;
}

/** Null when there is no such process any more. */
export function processInfo(pid: number): ProcessInfo | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in parentheses and may itself hold some, and blanks.
    const [state = '?', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), state, command };
  } catch {
    return null;
  }
}

export function isAlive(pid: number): boolean {
  const info = processInfo(pid);
  return info !== null && info.state !== 'Z' && info.state !== 'X';
}

/** Every living process that carries this mark in its environment. */
export function markedProcesses(mark: string): ProcessInfo[] {
  const needle = `${MARK_VARIABLE}=${mark}\0`;
  return allProcesses().filter((info) => {
    try {
      return readFileSync(`/proc/${info.pid}/environ`, 'latin1').includes(needle);
    } catch {
      return false;
    }
  });
}

/** The processes whose parent is `pid`, zombies included. */
export function processesBelow(pid: number): ProcessInfo[] {
  return allProcesses().filter((info) => info.parent === pid);
}

export function fileDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Memory that is this process' own: what ending it would give back. */
export function privateBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  let kilobytes = 0;
  for (const match of rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)) kilobytes += Number(match[1]);
  return kilobytes * 1024;
}

/** User and system time so far, in milliseconds. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Ticks of 10 ms: USER_HZ is 100 on every Linux that Node runs on.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function allProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processInfo(Number(name)))
    .filter((info) => info !== null);
}
