// npm run bench [-- --quick] [-- --only cost,evenness] [-- --targets tutti,PM2] [-- --dry]
// Runs every contestant in turns, round after round, and compares medians within this one run. Writes docs/benchmarks.md and its
// pictures unless --dry, --quick or a selection is given. Absolute figures of a shared machine mean little; the ratios to bare node do.

import { parseArgs } from 'node:util';
import { burst400, cost, crash, evenness, paced, type Sample, type Scale, type Session, take } from './measures.ts';
import { installPeers } from './peers.ts';
import { type Results, report } from './report.ts';
import { bare, clusterRoundRobin, clusterShared, peers, pm2, type Target, tutti, tuttiModes } from './targets.ts';
import { ownMeasures } from './tutti-only.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    targets: { type: 'string' },
    dry: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
  },
});

const scale: Scale = { rounds: flags.quick ? 1 : 5, seconds: flags.quick ? 1 : 3, quick: flags.quick };
if (flags.rounds) scale.rounds = Number(flags.rounds);
if (flags.seconds) scale.seconds = Number(flags.seconds);

const everyone: Target[] = [bare, ...tuttiModes, ...peers];
const byDefault = tutti('least-connections');
const sessions: Record<string, { session: Session; targets: Target[] }[]> = {
  cost: [{ session: cost, targets: everyone }],
  // A quick run leaves out who cannot surprise, and what takes long to start.
  evenness: [
    {
      session: evenness,
      targets: flags.quick
        ? [byDefault, clusterRoundRobin, clusterShared]
        : everyone.filter((target) => target !== bare),
    },
  ],
  burst: [{ session: burst400, targets: [byDefault, clusterRoundRobin, clusterShared] }],
  paced: (flags.quick ? [2, 8] : [2, 8, 32]).map((workers) => ({
    session: paced(workers),
    targets: flags.quick ? [byDefault] : [byDefault, tutti('kernel'), clusterShared],
  })),
  crash: [{ session: crash, targets: [byDefault, clusterRoundRobin, pm2] }],
};

const only = flags.only?.split(',');
const wanted = flags.targets?.toLowerCase().split(',');
const selected = (target: Target): boolean =>
  !wanted || target === bare || wanted.some((part) => target.name.toLowerCase().includes(part));

installPeers();
const results: Results = { samples: new Map(), missing: new Map(), own: [] };
for (let round = 1; round <= scale.rounds; round++) {
  for (const [name, parts] of Object.entries(sessions)) {
    if (only && !only.includes(name)) continue;
    for (const { session, targets } of parts)
      for (const target of targets.filter(selected)) await one(round, name, session, target);
  }
}
if (!only || only.includes('own')) results.own = await ownMeasures(scale);
report(results, scale, { write: !flags.dry && !only && !wanted && !flags.quick });
// Something that a contestant left behind may hold its pipe to us open; nothing is waited for any more.
process.exit(0);

async function one(round: number, name: string, session: Session, target: Target): Promise<void> {
  if (target.missing) {
    results.missing.set(target.name, target.missing);
    return;
  }
  process.stderr.write(`round ${round}/${scale.rounds} ${name} (${session.workers} workers): ${target.name} … `);
  try {
    const sample = await take(target, session, scale);
    const list = results.samples.get(target.name) ?? [];
    results.samples.set(target.name, [...list, sample]);
    process.stderr.write(`${show(sample)}\n`);
  } catch (error) {
    const { message } = error as Error;
    results.missing.set(target.name, message.replace(/^(Error: )+|\.$/g, ''));
    process.stderr.write(`failed: ${error}\n`);
  }
}

function show(sample: Sample): string {
  return Object.entries(sample)
    .map(([key, value]) => `${key} ${value?.toFixed(2)}`)
    .join('  ');
}
