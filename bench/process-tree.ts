// CPU time and memory of whole process trees, from /proc.

import { readdirSync, readFileSync } from 'node:fs';

interface Stat {
  pid: number;
  parent: number;
  /** Own time plus that of ended and reaped descendants, in clock ticks (1/100 s). */
  ticks: number;
}

const TICKS_PER_SECOND = 100;

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const at = (index: number): number => Number(fields[index]);
    return { pid, parent: at(1), ticks: at(11) + at(12) + at(13) + at(14) };
  } catch {
    return null; // it ended while we looked
  }
}

/** Every live process below `root`, itself first. */
export function processTree(root: number): number[] {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null);
  const tree = [root];
  for (let i = 0; i < tree.length; i++) for (const stat of stats) if (stat.parent === tree[i]) tree.push(stat.pid);
  return tree;
}

/** Seconds of CPU that the tree has used so far, ended and reaped processes included; in steps of 10 ms per process. */
export function cpuSeconds(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) ticks += readStat(pid)?.ticks ?? 0;
  return ticks / TICKS_PER_SECOND;
}

/** Memory that would be freed if the process ended (Private_Clean + Private_Dirty), in bytes. */
export function privateBytes(pid: number): number {
  let kilobytes = 0;
  for (const line of readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').split('\n'))
    if (/^Private_(Clean|Dirty):/.test(line)) kilobytes += Number(/\d+/.exec(line)?.[0] ?? 0);
  return kilobytes * 1024;
}
