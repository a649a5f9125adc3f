// What `tutti doctor` makes of one app that runs: of its state, and of what will cost it requests. Pure.

import type { MachineFacts } from '../../app/facts/machine.ts';
import type { RunningFacts } from '../../app/facts/running-process.ts';
import type { StopGrace } from '../../app/facts/stop-grace.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import type { FailedReload } from '../shared/shortfall.ts';
import { type Finding, good, note, openFilesFinding, problem } from './finding.ts';
import { endedOn, NEWEST_LINE } from './node-lines.ts';

export interface AppFacts {
  name: string;
  /** null: it does not answer, for this reason. */
  state: string | null;
  reason: string | null;
  version: string | null;
  /** Of Node.js; null: not known. */
  node: string | null;
  circuitOpen: boolean;
  /** What its last reload left behind. */
  shortfall: FailedReload | null;
  /** The longest that its graceful stop takes; null: not known. */
  stopWithinMs: number | null;
  /** How long whoever started it waits for its end; null: nobody is known to. */
  grace: StopGrace | null;
  listeners: readonly Listener[];
  /** The one address from which all clients come, with `ip-hash`; null: they come from several, or that does not matter. */
  oneClient: string | null;
  running: RunningFacts | null;
}

export function diagnoseApp(
  app: AppFacts,
  version: string,
  { node, openFiles, now }: MachineFacts,
): (Finding | null)[] {
  return [
    appFinding(app, version),
    reloadFinding(app),
    graceFinding(app),
    unitFinding(app),
    app.node === null || app.node.replace(/^v/, '') === node ? null : nodeLine(`Node.js of ${app.name}`, app.node, now),
    app.running === null || app.running.openFiles === openFiles
      ? null
      : openFilesFinding(`open files of ${app.name}`, app.running.openFiles),
    keepAliveFinding(app),
    oneClientFinding(app),
    rootFinding(app),
    zombieFinding(app),
  ];
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

function graceFinding({ name, stopWithinMs, grace }: AppFacts): Finding | null {
  if (stopWithinMs === null || grace === null || stopWithinMs < grace.ms) return null;
  const { platform: who, ms, setting, isSure = false } = grace;
  const least = `${Math.ceil(stopWithinMs / 1000) + 2} s`;
  const raise = setting === null ? '' : `, or give it ${least} (${setting})`;
  return note(
    `stop of ${name}`,
    `may take ${stopWithinMs / 1000} s; ${who} kills after ${ms / 1000} s${isSure ? '' : ', where nobody has changed that'}`,
    `Requests that take so long are then cut off. Lower drainTimeout and stopTimeout to less than ${ms / 1000} s together${raise}.`,
  );
}

function unitFinding({ name, running }: AppFacts): Finding | null {
  const unit = running?.unit ?? null;
  if (unit === null) return null;
  const about = `unit of ${name}`;
  const found = `${unit.name}: KillMode=${unit.killMode}${unit.oomPolicy === null ? '' : `, OOMPolicy=${unit.oomPolicy}`}`;
  const faults = [
    ...(unit.killMode === 'control-group'
      ? [
          'With KillMode=control-group, helpers that the workers have started are ended before the requests that need them: KillMode=mixed.',
        ]
      : []),
    ...(unit.killMode === 'none' ? ['With KillMode=none nobody ends workers that hang: KillMode=mixed.'] : []),
    ...(unit.oomPolicy === 'stop' || unit.oomPolicy === 'kill'
      ? [
          `With OOMPolicy=${unit.oomPolicy}, one worker that the kernel kills for its memory ends the whole service: OOMPolicy=continue.`,
        ]
      : []),
  ];
  if (faults.length === 0) return good(about, found);
  return note(about, found, `${faults.join(' ')} tutti service install writes a unit that has this right.`);
}

/** For how long balancers keep an idle connection to the app, where nobody has changed that. */
const balancers: Readonly<Record<string, { who: string; ms: number }>> = {
  'Amazon ECS': { who: 'an Application Load Balancer', ms: 60_000 },
  Kubernetes: { who: 'the Ingress of nginx', ms: 60_000 },
  Heroku: { who: "Heroku's router", ms: 90_000 },
};

function keepAliveFinding({ name, listeners, grace }: AppFacts): Finding | null {
  const known = listeners.flatMap(({ keepAliveMs }) =>
    keepAliveMs === undefined || keepAliveMs === 0 ? [] : [keepAliveMs],
  );
  if (known.length === 0) return null;
  const ms = Math.min(...known);
  const about = `keep-alive of ${name}`;
  const found = `idle connections are closed after ${ms / 1000} s`;
  const balancer = grace === null ? undefined : balancers[grace.platform];
  if (balancer === undefined || ms > balancer.ms) return good(about, found);
  return note(
    about,
    `${found}; ${balancer.who} keeps them for ${balancer.ms / 1000} s`,
    `So it sends requests into connections that are just being closed, and answers 502. Start the app with --keep-alive-timeout ${balancer.ms / 1000 + 5}s; no code has to change.`,
  );
}

function oneClientFinding({ name, oneClient }: AppFacts): Finding | null {
  if (oneClient === null) return null;
  return problem(
    `balance of ${name}`,
    `ip-hash, and all connections come from ${oneClient}`,
    'A proxy stands there, and one worker serves everybody. Use --balance ports, and let the proxy choose: tutti export nginx',
  );
}

function rootFinding({ name, running }: AppFacts): Finding | null {
  if (running?.workersAreRoot !== true) return null;
  return note(
    `user of ${name}`,
    'its workers run as root',
    'Whoever breaks into the program has the machine or the container. Ports below 1024 need no root in the workers: --user <name>',
  );
}

function zombieFinding({ name, running }: AppFacts): Finding | null {
  const count = running?.zombies ?? null;
  if (count === null) return null;
  const about = `process 1 of ${name}`;
  if (count === 0) return good(about, 'the supervisor itself, and nobody dead is left');
  return note(
    about,
    `the supervisor itself; ${count} that ended are not collected`,
    'Processes that the program starts and leaves behind stay as zombies, and Node cannot collect them. Start the container with an init: docker run --init, init: true in Compose.',
  );
}

export function nodeLine(about: string, version: string, now: number): Finding | null {
  const day = endedOn(version, now);
  if (day === null) return null;
  return note(
    about,
    `${version.replace(/^v?/, 'v')}, which has had no security fixes since ${day}`,
    `Run a line that is kept up, such as Node.js ${NEWEST_LINE}; tutti upgrade changes it without a pause.`,
  );
}
