// One container of an app: what its image, its limits and its deadlines follow from. Computed from the configuration, so that no file says
// anything else than the app does. Pure.

import type { Config } from '../../config/options.ts';
import { LAST_PORT, portCount } from '../ports.ts';

/** A first start is given up when each slot has failed three times. */
const START_TRIES = 3;
const MARGIN_MS = 2000;
/** How long balancers may send connections to a container that is told to stop: kube-proxy hears of it within a second, an ingress in 3 to 5. */
export const LATE_SECONDS = 5;

export const ADMIN_PORT = 9400;
/** Where what is asked on 127.0.0.1, as the image's own check does, is heard. */
const heardOn: readonly string[] = ['127.0.0.1', '0.0.0.0', '::'];
const APP_PORT = 3000;
/** The user of the official images of Node.js. A number, because runAsNonRoot cannot judge a name. */
export const CONTAINER_USER = 1000;
/** Writable by any user, also where the root file system is read-only. */
export const STATE_FOLDER = '/tmp/tutti';

export interface Memory {
  bytes: number;
  /** What tutti makes of it: the heap of each worker. Null: the operator has set it, or it is too little for a rule. */
  heapMib: number | null;
  ownHeap: boolean;
}

/** What a container has as it was asked for, beside the configuration. */
interface Asked {
  image: string;
  /** What follows `tutti run`. */
  args: readonly string[];
  /** Several apps are in the image: which one runs has to be said. */
  isOneOfSeveral: boolean;
  /** What the command line and TUTTI_* variables said, as variables. */
  options: Readonly<Record<string, string>>;
  /** Variables whose values are no business of a file. */
  secrets: readonly string[];
  /** Files of variables, as the workers' folder or the root names them. They are not in the image. */
  envFiles: readonly string[];
  memory: Memory;
}

/** Null: it follows from the configuration. */
export interface ContainerRequest extends Asked {
  port: number | null;
  cpus: number | null;
  replicas: number | null;
}

export interface Container extends Asked {
  app: string;
  /** The name as DNS takes it, at most 50 characters, so that suffixes fit. */
  label: string;
  port: number;
  /** How many ports follow one another, one for each worker (balance: ports). */
  ports: number;
  adminPort: number;
  replicas: number;
  workers: { min: number; max: number };
  cpus: number;
  /** How long the first start may take. */
  startMs: number;
  /** tutti serves on for this long after SIGTERM; 0: whoever stops it has to wait instead. */
  preStopMs: number;
  drainMs: number;
  stopMs: number;
}

export function containerOf(config: Config, asked: ContainerRequest): Container {
  const { min, max } = config.workers;
  const { port: askedPort, cpus, replicas, options, secrets, envFiles, ...rest } = asked;
  const port = askedPort ?? portOf(config);
  const ports = portCount(config, port);
  const { admin } = config;
  const { TUTTI_ADMIN, ...others } = options;
  const isHeard = admin !== null && admin.port !== 0 && heardOn.includes(admin.host);
  return {
    ...rest,
    options: isHeard ? options : others,
    secrets: [...new Set(secrets)],
    envFiles: [...new Set(envFiles)],
    app: config.name,
    label: labelOf(config.name),
    port,
    ports,
    adminPort: admin === null || admin.port === 0 ? freeFrom(ADMIN_PORT, port, ports) : admin.port,
    replicas: replicas ?? 2,
    workers: { min, max },
    cpus: cpus ?? max,
    startMs: START_TRIES * config.startTimeoutMs,
    preStopMs: config.preStopDelayMs,
    drainMs: config.drainTimeoutMs,
    stopMs: config.stopTimeoutMs,
  };
}

/** After this an engine may kill: every worker has had its whole drain and the time for its own clean-up. */
export function graceSeconds({ preStopMs, drainMs, stopMs }: Container, hookSeconds = 0): number {
  return Math.ceil((preStopMs + drainMs + stopMs + MARGIN_MS) / 1000) + hookSeconds;
}

/** How long the orchestrator waits before SIGTERM, because clients are still sent here. */
export function hookSeconds({ preStopMs }: Container): number {
  return preStopMs > 0 ? 0 : LATE_SECONDS;
}

/** This port, or the next that the application does not take. */
function freeFrom(port: number, taken: number, count: number): number {
  return port >= taken && port < taken + count ? taken + count : port;
}

function portOf({ env }: Config): number {
  const port = Number(env.PORT);
  return Number.isInteger(port) && port > 0 && port <= LAST_PORT ? port : APP_PORT;
}

/** Lower case, digits and hyphens, beginning with a letter. */
export function labelOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const begun = /^[a-z]/.test(plain) ? plain : `app-${plain}`;
  return begun.slice(0, 50).replace(/-+$/, '');
}

/** Where a file of the app's folder is in the image. */
export function inImage(path: string): string {
  return path.startsWith('/') ? path : `/app/${path}`;
}

/** The port, or the range of ports. */
export function portRange({ port, ports }: Pick<Container, 'port' | 'ports'>): string {
  return ports === 1 ? String(port) : `${port}-${port + ports - 1}`;
}

/** The first port of each on the machine: its own, or the next where those before it leave room. */
export function publishedPorts(containers: readonly Container[]): number[] {
  const taken = new Set<number>();
  return containers.map(({ port: own, ports }) => {
    const those = (from: number): number[] => Array.from({ length: ports }, (_, at) => from + at);
    let port = own;
    while (those(port).some((one) => taken.has(one))) port += 1;
    for (const one of those(port)) taken.add(one);
    return port;
  });
}

/** What the memory is enough for, in a sentence. */
export function memoryInWords({ workers: { max }, memory: { heapMib, ownHeap } }: Container): string {
  if (ownHeap) return 'Memory for the heap that is set, and for what is beside it.';
  if (heapMib === null) return 'Memory is little for a limit of the heap: the kernel may kill a process.';
  return `Of the memory tutti gives each worker ${heapMib} MiB of heap${max === 1 ? '' : `, ${max} × ${heapMib} MiB`}; the rest is for what is beside the heaps, and for tutti.`;
}
