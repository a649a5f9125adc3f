// The work of `tutti doctor`.

import { createColors } from 'picocolors';
import { discover, type Found } from '../../admin/client/discovery.ts';
import { machineFacts } from '../../app/facts/machine.ts';
import { runningFacts } from '../../app/facts/running-process.ts';
import { stopGrace } from '../../app/facts/stop-grace.ts';
import { findLeftBehind, holdingPorts } from '../../app/orphans/orphans.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import { orNone } from '../../files/state-folder.ts';
import { version } from '../../version.ts';
import { readRecord } from '../shared/launch-record.ts';
import { shortfallOf } from '../shared/shortfall.ts';
import { type Colors, type Terminal, wantsColor } from '../terminal.ts';
import { diagnose, type OrphanFacts } from './diagnose.ts';
import type { AppFacts } from './diagnose-app.ts';
import type { Finding } from './finding.ts';

export async function runDoctor(json: boolean, terminal: Terminal): Promise<number> {
  // What may not be looked at is a finding of its own.
  const running = await discover(terminal.env).catch((error: unknown) => {
    if (error instanceof TuttiError) return [];
    throw error;
  });
  const apps = running.map(factsOf);
  const left = orNone(() => findLeftBehind(terminal.env)) ?? { orphans: [], dead: [] };
  const orphans = left.orphans.map(
    (one): OrphanFacts => ({
      ...one,
      holding: holdingPorts(one).length,
      serving: one.serveMs === 0 ? null : { forMs: one.serving && Math.max(0, one.serving.until - Date.now()) },
    }),
  );
  const dead = left.dead.filter(
    ({ name }) => readRecord(terminal.env, name) !== null && !running.some((app) => app.name === name),
  );
  const findings = diagnose(machineFacts(terminal.env), apps, version, orphans, dead);
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const text = json ? JSON.stringify({ schema: 1, findings }) : lines(findings, colors).join('\n');
  terminal.stdout.write(`${text}\n`);
  return findings.some(({ verdict }) => verdict === 'problem') ? exitCodes.degraded : exitCodes.stopped;
}

function factsOf(app: Found): AppFacts {
  const unknown = {
    ...{ name: app.name, state: null, reason: null, version: null, node: null, circuitOpen: false, shortfall: null },
    ...{ stopWithinMs: null, grace: null, listeners: [], oneClient: null, running: null },
  };
  if (!app.answers) return { ...unknown, reason: app.reason };
  const { pid, state, version: runs, node, circuit, stopWithinMs = null, listeners, workers } = app.snapshot;
  const facts = runningFacts(
    pid,
    workers.flatMap((worker) => worker.pid ?? []),
  );
  const stopMs = facts.unit?.stopMs ?? null;
  const grace =
    stopMs === null
      ? stopGrace(pid)
      : { platform: 'systemd', ms: stopMs, setting: `TimeoutStopSec= of ${facts.unit?.name}`, isSure: true };
  return {
    ...{ ...unknown, state, version: runs, node, circuitOpen: circuit === 'open' },
    ...{ shortfall: shortfallOf(app.snapshot), stopWithinMs, grace, listeners, running: facts },
    oneClient: app.snapshot.oneClient ?? null,
  };
}

function lines(findings: readonly Finding[], colors: Colors): string[] {
  const width = Math.max(...findings.map(({ about }) => about.length));
  const marks = { good: colors.green('✔'), note: colors.yellow('!'), problem: colors.red('✖') };
  return findings.flatMap(({ about, verdict, found, advice }) => [
    `${marks[verdict]} ${about.padEnd(width)}  ${found}`,
    ...(advice === null ? [] : [colors.dim(`  ${advice}`)]),
  ]);
}
