// How long whoever started an app waits for its end before it kills: facts for `tutti doctor`, from what platforms put into the
// environment of the process. Part of the composition. Runs in the CLI.

import { existsSync, readFileSync } from 'node:fs';

type Env = Readonly<Record<string, string | undefined>>;

export interface StopGrace {
  platform: string;
  /** What it is where nobody has changed it. */
  ms: number;
  /** How it is changed; null: not at all. */
  setting: string | null;
  /** It was asked of the platform itself. */
  isSure?: boolean;
}

const kubernetes = { platform: 'Kubernetes', ms: 30_000, setting: 'terminationGracePeriodSeconds' };
const ecs = { platform: 'Amazon ECS', ms: 30_000, setting: 'stopTimeout of the container' };
const heroku = { platform: 'Heroku', ms: 30_000, setting: null };
const cloudRun = { platform: 'Google Cloud Run', ms: 10_000, setting: null };
const systemd = { platform: 'systemd', ms: 90_000, setting: 'TimeoutStopSec=' };
const container = { platform: 'docker stop', ms: 10_000, setting: 'docker stop -t, stop_grace_period in Compose' };

/** Of the process `pid` with this environment; `isContainer`: this is a container of nobody known. Null: nobody is known to wait. */
export function stopGraceOf(env: Env, pid: number, isContainer: boolean): StopGrace | null {
  if (env.KUBERNETES_SERVICE_HOST !== undefined) return kubernetes;
  if (env.ECS_CONTAINER_METADATA_URI_V4 !== undefined || env.ECS_CONTAINER_METADATA_URI !== undefined) return ecs;
  if (env.DYNO !== undefined) return heroku;
  if (env.K_SERVICE !== undefined) return cloudRun;
  // What its services start inherits it, so the pid has to be its own.
  if (env.SYSTEMD_EXEC_PID === String(pid)) return systemd;
  return isContainer ? container : null;
}

/** Of a process that runs; null also where its environment may not be read. */
export function stopGrace(pid: number): StopGrace | null {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const env = Object.fromEntries(
      entries.map((entry) => [entry.split('=', 1)[0], entry.slice(entry.indexOf('=') + 1)]),
    );
    return stopGraceOf(env, pid, existsSync('/.dockerenv') || existsSync('/run/.containerenv'));
  } catch {
    return null;
  }
}
