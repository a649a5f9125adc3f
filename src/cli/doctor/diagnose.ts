// What `tutti doctor` makes of the facts: what is well, what is worth knowing, what will hurt, and the remedy. Pure.

import type { MachineFacts } from '../../app/facts/machine.ts';
import { time } from '../../logs/own/sentences.ts';
import { bytes } from '../shared/readable.ts';
import { type AppFacts, diagnoseApp, nodeLine } from './diagnose-app.ts';
import { type Finding, good, note, openFilesFinding, problem } from './finding.ts';

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
    nodeLine('Node.js', facts.node, facts.now),
    clock(facts),
    sharing(facts),
    good('CPUs', cpus(facts)),
    memory(facts),
    openFilesFinding('open files', facts.openFiles),
    backlog(facts),
    counters(facts),
    state(facts),
    ...apps.flatMap((app) => diagnoseApp(app, version, facts)),
    ...orphans.map(orphanFinding),
    ...dead.map(deadFinding),
  ].filter((finding) => finding !== null);
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

function backlog({ backlog: most }: MachineFacts): Finding | null {
  if (most === null) return null;
  if (most >= USUAL_BACKLOG) return good('waiting connections', `${most} for each port`);
  return note(
    'waiting connections',
    `${most} for each port`,
    `So many clients can wait while workers are busy or being replaced, although Node asks for ${USUAL_BACKLOG}. Raise it: sysctl net.core.somaxconn=4096`,
  );
}

function clock({ clockIsKept }: MachineFacts): Finding | null {
  if (clockIsKept === null) return null;
  if (clockIsKept) return good('clock', 'kept right');
  return note(
    'clock',
    'nobody keeps it right',
    'tutti measures its own times on a clock that no setting moves. But certificates, tokens, cron and the times in logs go by this one. Run chrony or systemd-timesyncd: timedatectl set-ntp true',
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
