// What the system knows of a supervisor that runs, and of its workers: facts for `tutti doctor`, from /proc and systemd. Null where it cannot be
// read. Part of the composition. Runs in the CLI.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { zombiesOf } from '../../host/process/process-identity.ts';

export interface RunningFacts {
  /** How many descriptors each of its processes may open. */
  openFiles: number | null;
  /** The dead that nobody has collected, where it is the first process of its container; null: it is not. */
  zombies: number | null;
  workersAreRoot: boolean;
  unit: UnitFacts | null;
}

/** Of the systemd service that it is. */
export interface UnitFacts {
  name: string;
  killMode: string;
  oomPolicy: string | null;
  /** Null: for ever. */
  stopMs: number | null;
}

const ASK_MS = 3000;

export function runningFacts(pid: number, workers: readonly number[]): RunningFacts {
  const limit = /^Max open files +(\d+)/m.exec(read(`/proc/${pid}/limits`))?.[1];
  return {
    openFiles: limit === undefined ? null : Number(limit),
    zombies: pid === 1 ? zombiesOf(pid).length : null,
    workersAreRoot: workers.some((worker) => /^Uid:\s+\d+\s+0\s/m.test(read(`/proc/${worker}/status`))),
    unit: unitOf(pid),
  };
}

/** Its cgroup is that of its service, and a service that only started it from a shell is none of its own. */
function unitOf(pid: number): UnitFacts | null {
  const [, path = '', name] =
    /^0?\d*:(?:name=systemd)?:(\/.*?([^/]+\.service))$/m.exec(read(`/proc/${pid}/cgroup`)) ?? [];
  if (name === undefined) return null;
  const scope = path.includes('/user@') && !/^user@\d+\.service$/.test(name) ? ['--user'] : [];
  const wanted = ['MainPID', 'KillMode', 'OOMPolicy', 'TimeoutStopUSec'];
  const { status, stdout } = spawnSync(
    'systemctl',
    [...scope, 'show', name, ...wanted.map((one) => `--property=${one}`)],
    {
      encoding: 'utf8',
      timeout: ASK_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  return status === 0 ? unitFactsOf(name, pid, stdout) : null;
}

/** `shown`: what systemctl show prints. Null: the process is not the service's main one. */
export function unitFactsOf(name: string, pid: number, shown: string): UnitFacts | null {
  const of = (key: string): string | null => new RegExp(`^${key}=(.+)$`, 'm').exec(shown)?.[1] ?? null;
  const killMode = of('KillMode');
  if (Number(of('MainPID')) !== pid || killMode === null) return null;
  return { name, killMode, oomPolicy: of('OOMPolicy'), stopMs: spanMs(of('TimeoutStopUSec') ?? '') };
}

const unitMs = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** As systemd writes a time: `1min 30s`. Null: infinity, or nothing that can be read. */
function spanMs(text: string): number | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|min|h|d)\b/g)];
  if (parts.length === 0) return null;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit as keyof typeof unitMs], 0);
}

/** Whether the clock of this machine is kept right, as systemd knows it; null: nobody says. */
export function clockIsKept(): boolean | null {
  const { status, stdout } = spawnSync('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
    encoding: 'utf8',
    timeout: ASK_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status !== 0 || !/^(yes|no)$/m.test(stdout) ? null : stdout.trim() === 'yes';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
