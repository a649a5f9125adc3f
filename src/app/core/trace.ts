// TUTTI_TRACE=<file>: notes everything that the core is told, as NDJSON, so that `npm run replay` can go through it again. Part of the
// composition; runs in the primary, and is loaded only where the variable is set. What the program wrote, asked or was asked is left
// out, and so is its environment.

import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs';
import { SteadyWriter } from '../../logs/own/steady-writer.ts';
import { isIncurable } from '../../protocol/incurable.ts';
import type { MemoryRoom } from '../../supervisor/decide/headroom.ts';
import type { Host } from '../../supervisor/host.ts';
import type { SupervisorOptions } from '../../supervisor/supervisor.ts';
import type { LastWords, PolicyChange, SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';
import type { Policy } from '../../supervisor/vocabulary/policy.ts';

/** The first line of a run. One file may hold several runs, also of apps that ran at the same time. */
export interface TraceHead {
  trace: 1;
  run: string;
  version: string;
  /** When the trace began (ISO 8601). */
  at: string;
  /** The host's clock when the core was made, in ms. */
  startedAt: number;
  options: SupervisorOptions;
}

/** One input, with all that the core learned from its host while it took it in. `input` null: its start. */
export interface TraceLine {
  run: string;
  now: number;
  input: SupervisorInput | null;
  random?: number[];
  room?: (MemoryRoom | null)[];
}

export interface TraceOut {
  /** Never throws. */
  write(line: string): void;
  close(): Promise<void>;
}

const policyKeys: Record<keyof Required<Policy>, true> = {
  workers: true,
  balance: true,
  ready: true,
  probe: true,
  probeTimeoutMs: true,
  startTimeoutMs: true,
  canaryTimeMs: true,
  preStopDelayMs: true,
  drainTimeoutMs: true,
  stopTimeoutMs: true,
  holdTimeoutMs: true,
  livenessTimeoutMs: true,
  surge: true,
  spares: true,
  reloadFailures: true,
  giveUpMs: true,
  restart: true,
  stopExitCodes: true,
  maxMemoryBytes: true,
  maxRequests: true,
  maxLifetimeMs: true,
  autopsy: true,
};

const leftOut = '(left out)';

export class Trace {
  readonly #out: TraceOut;
  readonly #run: string;
  #line: TraceLine | null = null;

  /** Begins a run. `startedAt`: the host's clock when the core was made. From here on, what the host answers it is noted too. */
  constructor(out: TraceOut, version: string, options: SupervisorOptions, host: Host, startedAt: number) {
    this.#out = out;
    this.#run = `${options.name}@${process.pid}`;
    const told = { ...options, policy: rules(options.policy) as Policy };
    this.#tell({ trace: 1, run: this.#run, version, at: new Date().toISOString(), startedAt, options: told });
    this.#watch(host);
  }

  /** Nothing may be noted after it. */
  close(): Promise<void> {
    return this.#out.close();
  }

  #watch(host: Host): void {
    const { now, random, memoryRoom } = host;
    // The type holds that nothing which the core may ask is missing in the trace.
    const answers: Omit<Required<Host>, 'perform'> = {
      now: () => {
        const answer = now.call(host);
        if (this.#line !== null) this.#line.now = answer;
        return answer;
      },
      random: () => {
        const answer = random.call(host);
        if (this.#line !== null) this.#line.random = [...(this.#line.random ?? []), answer];
        return answer;
      },
      memoryRoom: () => {
        const answer = memoryRoom.call(host);
        if (this.#line !== null) this.#line.room = [...(this.#line.room ?? []), answer];
        return answer;
      },
    };
    Object.assign(host, answers);
  }

  /** Notes an input when the core has taken it in, or has failed to. */
  during(input: SupervisorInput | null, act: () => void): void {
    this.#line = { run: this.#run, now: 0, input: input === null ? null : withoutSecrets(input) };
    try {
      act();
    } finally {
      this.#tell(this.#line);
      this.#line = null;
    }
  }

  #tell(line: TraceHead | TraceLine): void {
    this.#out.write(`${JSON.stringify(line)}\n`);
  }
}

/** A file of this user alone, to whose end is added. Throws what the system says; what happens to the file later does no harm. */
export function openTraceFile(path: string): TraceOut {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants;
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0o600);
  if (fstatSync(fd).isFile()) fchmodSync(fd, 0o600);
  const explain = (dropped: number): string => `${JSON.stringify({ dropped })}\n`;
  const writer = new SteadyWriter({ fd, otherwise: () => undefined, explain });
  return {
    write: (line) => writer.write(line),
    close: async () => {
      await writer.end();
      closeSync(fd);
    },
  };
}

/** Of a whole configuration, what the core goes by. */
function rules(policy: PolicyChange): PolicyChange {
  const kept: PolicyChange = Object.fromEntries(Object.entries(policy).filter(([key]) => key in policyKeys));
  // A query may hold a token.
  return typeof kept.probe === 'string' ? { ...kept, probe: kept.probe.replace(/\?.*/, '') } : kept;
}

function withoutSecrets(input: SupervisorInput): SupervisorInput {
  switch (input.type) {
    case 'generation-pinned':
      return input.policy === undefined ? input : { ...input, policy: rules(input.policy) };
    case 'generation-refused':
      return { ...input, reason: leftOut };
    case 'worker-probe':
    case 'worker-faulty':
      return { ...input, detail: leftOut };
    case 'worker-drained':
      return { ...input, left: input.left.map(() => leftOut) };
    case 'worker-exit':
      return { ...input, lastWords: unspoken(input.lastWords) };
    default:
      return input;
  }
}

/** Of an error the core asks whether another try would cure it, of requests whether there were any. */
function unspoken({ error, requests, explanation }: LastWords): LastWords {
  const incurable = isIncurable(error ?? '');
  return {
    stderr: [],
    ...(error !== undefined && { error: `${incurable ? 'SyntaxError' : 'Error'}: ${leftOut}` }),
    ...(requests !== undefined && { requests: requests.map((request) => ({ ...request, path: leftOut })) }),
    ...(explanation !== undefined && { explanation }),
  };
}
