// What `tutti doctor` makes of the facts: what is well, what is worth knowing, what will hurt, and the remedy. Pure.

import type { MachineFacts } from '../../app/facts/machine.ts';
import type { StopGrace } from '../../app/facts/stop-grace.ts';
import { time } from '../../logs/own/sentences.ts';
import { bytes } from '../shared/readable.ts';
import type { FailedReload } from '../shared/shortfall.ts';

export interface Finding {
  about: string;
  verdict: 'good' | 'note' | 'problem';
  found: string;
  /** What follows from it, and what to do. */
  advice: string | null;
}

export interface AppFacts {
  name: string;
  /** null: it does not answer, for this reason. */
  state: string | null;
  reason: string | null;
  version: string | null;
  circuitOpen: boolean;
  /** What its last reload left behind. */
  shortfall: FailedReload | null;
  /** The longest that its graceful stop takes; null: not known. */
  stopWithinMs: number | null;
  /** How long whoever started it waits for its end; null: nobody is known to. */
  grace: StopGrace | null;
}

/** Workers of an app whose supervisor was killed. */
export interface OrphanFacts {
  name: string;
  primary: number;
  workers: readonly { pid: number }[];
  /** How many of them still hold a port. */
  holding: number;
  /** They serve on; in ms, for how long at most; null: it is not known yet. */
  serving: { forMs: number | null } | null;
}

/** A supervisor that has ended without a word. */
export interface DeadFacts {
  name: string;
  pid: number;
  isBefore: boolean;
}

/** Each connection, file and pipe takes one; below this a busy server comes near it. */
const FEW_OPEN_FILES = 4096;
/** What Node asks for when the application does not say. */
const USUAL_BACKLOG = 511;

export function diagnose(
  facts: MachineFacts,
  apps: readonly AppFacts[],
  version: string,
  orphans: readonly OrphanFacts[] = [],
  dead: readonly DeadFacts[] = [],
): Finding[] {
  return [
    good('tutti', version),
    platform(facts),
    sharing(facts),
    good('CPUs', cpus(facts)),
    memory(facts),
    openFiles(facts),
    backlog(facts),
    counters(facts),
    state(facts),
    ...apps.flatMap((app) => [appFinding(app, version), reloadFinding(app), graceFinding(app)]),
    ...orphans.map(orphanFinding),
    ...dead.map(deadFinding),
  ].filter((finding) => finding !== null);
}

function good(about: string, found: string): Finding {
  return { about, verdict: 'good', found, advice: null };
}

function note(about: string, found: string, advice: string): Finding {
  return { about, verdict: 'note', found, advice };
}

function problem(about: string, found: string, advice: string): Finding {
  return { about, verdict: 'problem', found, advice };
}

function platform({ platform: name, node }: MachineFacts): Finding {
  const found = `Node.js ${node} on ${name}`;
  if (name === 'win32') {
    return note('platform', found, 'Windows has no signals and shares connections by round-robin only.');
  }
  if (name !== 'linux') {
    return note('platform', found, `${name} has no control groups: limits of containers and PSS are not known.`);
  }
  return good('platform', found);
}

function sharing({ privateParts }: MachineFacts): Finding {
  if (privateParts === null) return good('connections', 'shared by the kernel, corrected by transfers');
  return note(
    'connections',
    `shared by node:cluster: ${privateParts}`,
    'This Node is newer than this tutti knows. Apps run, without transfers and without ports that outlive workers; look for a newer tutti.',
  );
}

function cpus({ cpus: { count, quota } }: MachineFacts): string {
  return quota === null ? `${count}` : `${count}, by a quota of ${quota}`;
}

function memory({ memory: limit }: MachineFacts): Finding {
  if (limit === null) return good('memory', 'no limit');
  const free = limit.freeBytes === null ? '' : `, ${bytes(limit.freeBytes)} free`;
  return good('memory', `limited to ${bytes(limit.limitBytes)}${free}`);
}

function openFiles({ openFiles: most }: MachineFacts): Finding | null {
  if (most === null) return null;
  if (most >= FEW_OPEN_FILES) return good('open files', `${most} for each process`);
  return problem(
    'open files',
    `${most} for each process`,
    'Each connection takes one, and beyond it connections are refused. Raise it: LimitNOFILE= in a unit, ulimits in a container, ulimit -n in a shell.',
  );
}

function backlog({ backlog: most }: MachineFacts): Finding | null {
  if (most === null) return null;
  if (most >= USUAL_BACKLOG) return good('waiting connections', `${most} for each port`);
  return note(
    'waiting connections',
    `${most} for each port`,
    `So many clients can wait while workers are busy or being replaced, although Node asks for ${USUAL_BACKLOG}. Raise it: sysctl net.core.somaxconn=4096`,
  );
}

function counters({ counters: place }: MachineFacts): Finding {
  if (place?.inMemory) return good('counters', `in memory, ${place.folder}`);
  if (place === null) {
    return problem(
      'counters',
      'nowhere to keep them',
      'Connections are not evened out, and the counts of a killed worker are lost. Make /dev/shm or the temporary folder writable.',
    );
  }
  return note('counters', `on disk, ${place.folder}`, 'It works; in a container, /dev/shm in memory is quicker.');
}

function state({ state: { folder, problem: why } }: MachineFacts): Finding {
  if (why === null) return good('state folder', folder);
  return problem(
    'state folder',
    `${folder}: ${why}`,
    'Commands cannot reach apps started now, and tutti start does not work. Set TUTTI_HOME to a folder that this user may write to.',
  );
}

function appFinding({ name, state: now, reason, version: runs, circuitOpen }: AppFacts, version: string): Finding {
  const about = `app ${name}`;
  if (now === null) {
    return problem(about, reason ?? 'does not answer', 'Its supervisor is stopped or starved; it may still serve.');
  }
  if (circuitOpen) return problem(about, `${now}, workers die early`, `Why they do: tutti describe ${name}`);
  if (runs !== version) {
    return note(
      about,
      `${now}, under tutti ${runs}`,
      `To run it under this version, with a pause: tutti restart ${name}`,
    );
  }
  return good(about, now);
}

function reloadFinding({ name, shortfall }: AppFacts): Finding | null {
  if (shortfall === null) return null;
  const { what, why, standing } = shortfall;
  const careful = standing.warning === null ? '' : ` Careful: ${standing.warning}.`;
  return problem(
    `${what} of ${name}`,
    `${standing.headline}: ${standing.summary}`,
    `Why: ${why}.${careful} When that is mended: tutti reload ${name}`,
  );
}

function deadFinding({ name, pid, isBefore }: DeadFacts): Finding {
  const found = isBefore
    ? 'ended with the machine, which was started anew since'
    : `its supervisor (pid ${pid}) was killed`;
  return problem(`app ${name}`, found, `Nothing of it runs. To start it again: tutti start ${name}`);
}

function orphanFinding({ name, primary, workers, holding, serving }: OrphanFacts): Finding {
  const found = `left alone by a supervisor that was killed (pid ${primary}): ${workers.map(({ pid }) => pid).join(', ')}`;
  const about = `workers of ${name}`;
  if (serving !== null) {
    const most = serving.forMs === null ? '' : `, for ${time(serving.forMs)} at most`;
    return problem(
      about,
      `${found}; they serve on${most}`,
      `Nobody replaces one that dies. To supervise the app again, without a pause: tutti start ${name}. To end it: tutti stop ${name}`,
    );
  }
  if (holding === 0) return note(about, found, 'They finish what they have, and leave.');
  return problem(
    about,
    `${found}; ${holding === 1 ? '1 still holds a port' : `${holding} still hold a port`}`,
    `They hang, or have not noticed it yet. Those that cannot end are killed after drainTimeout and stopTimeout, and at once by a start of the app: tutti start ${name}`,
  );
}

function graceFinding({ name, stopWithinMs, grace }: AppFacts): Finding | null {
  if (stopWithinMs === null || grace === null || stopWithinMs < grace.ms) return null;
  const { platform: who, ms, setting } = grace;
  const least = `${Math.ceil(stopWithinMs / 1000) + 2} s`;
  const raise = setting === null ? '' : `, or give it ${least} (${setting})`;
  return note(
    `stop of ${name}`,
    `may take ${stopWithinMs / 1000} s; ${who} kills after ${ms / 1000} s, where nobody has changed that`,
    `Requests that take so long are then cut off. Lower drainTimeout and stopTimeout to less than ${ms / 1000} s together${raise}.`,
  );
}
