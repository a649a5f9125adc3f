// compose.yaml, for one machine, and swarm.yaml, for a swarm. Pure. docs/deploy/docker.md says what each line is for.

import { type ExportFile, exportFile } from '../export-file.ts';
import {
  CONTAINER_USER,
  type Container,
  graceSeconds,
  inImage,
  LATE_SECONDS,
  memoryInWords,
  portRange,
  publishedPorts,
  STATE_FOLDER,
} from './container.ts';
import { healthCommand, healthTimes } from './dockerfile.ts';
import { forCompose, forShell, quoted, yaml, yamlList } from './quote.ts';

export function composeFile(containers: readonly Container[]): ExportFile {
  const published = publishedPorts(containers);
  return exportFile('compose', 'compose.yaml', 'how one machine runs it', [
    '#',
    '#   docker compose up --build --detach --wait',
    '#',
    '# Compose ends the old container before it starts the new one, so that clients are refused for some seconds. A swarm of one machine does not:',
    '# tutti export swarm. What needs no new image (scale, recycle, logs) goes into the container: docker compose exec <service> tutti status',
    '',
    'services:',
    ...containers.flatMap((container, at) => [
      `  ${yaml(container.label)}:`,
      '    build: .',
      `    image: ${yaml(container.image)}`,
      ...common(container, bindMounts(container)),
      '    # Not after docker compose stop; else whatever the exit code was.',
      '    restart: unless-stopped',
      ...elsewhere(container, published[at]),
      `    ports: [${JSON.stringify(`${portRange({ ...container, port: published[at] ?? container.port })}:${portRange(container)}`)}]`,
      '    security_opt: ["no-new-privileges:true"]',
      '    deploy:',
      ...resources(container),
    ]),
  ]);
}

export function swarmFile(given: readonly Container[]): ExportFile {
  const containers = given.map(withPreStop);
  const files = containers.flatMap((container) => secretsOf(container));
  const published = publishedPorts(containers);
  return exportFile('swarm', 'swarm.yaml', 'how a swarm runs it', [
    '#',
    ...files.map(({ name, source }) => `#   docker secret create ${name} ${forShell(source)}`),
    '#   docker stack deploy --compose-file swarm.yaml <name of the stack>',
    '#',
    '# The image must be where every machine of the swarm can pull it.',
    '',
    'version: "3.8"',
    '',
    'services:',
    ...containers.flatMap((container, at) => [
      `  ${yaml(container.label)}:`,
      `    image: ${yaml(container.image)}`,
      ...common(container, []),
      ...elsewhere(container, published[at]),
      '    ports:',
      `      - { target: ${container.port}, published: ${published[at]}, protocol: tcp, mode: ingress }`,
      ...secretMounts(container),
      '    deploy:',
      `      replicas: ${container.replicas}`,
      '      # The new container first, and the old one only when that is healthy. One that does not become healthy, or falls ill within',
      '      # `monitor`, brings the old image back.',
      '      update_config:',
      '        parallelism: 1',
      '        order: start-first',
      '        failure_action: rollback',
      `        monitor: ${healthTimes.interval * (healthTimes.retries + 1)}s`,
      '      rollback_config:',
      '        parallelism: 1',
      '        order: start-first',
      '      restart_policy:',
      '        condition: any',
      '        delay: 3s',
      ...resources(container),
    ]),
    ...(files.length === 0
      ? []
      : ['', 'secrets:', ...files.flatMap(({ name }) => [`  ${yaml(name)}:`, '    external: true'])]),
  ]);
}

function elsewhere({ port }: Container, published: number | undefined): string[] {
  return published === port ? [] : [`    # An app above is published on port ${port} of the machine.`];
}

/** A swarm has no hook before SIGTERM, and its balancer hears of the end late: tutti itself serves on. */
function withPreStop(container: Container): Container {
  if (container.preStopMs > 0) return container;
  const options = { ...container.options, TUTTI_PRE_STOP_DELAY: `${LATE_SECONDS}s` };
  return { ...container, preStopMs: LATE_SECONDS * 1000, options };
}

function common(container: Container, mounts: readonly string[]): string[] {
  const { workers, preStopMs, drainMs, stopMs } = container;
  const late = preStopMs === 0 ? '' : `${seconds(preStopMs)} for balancers that hear of it late, `;
  return [
    ...(container.isOneOfSeveral ? [`    command: ${yamlList(container.args.map(forCompose))}`] : []),
    ...variables(container),
    '    # An init of the engine takes in what dies after its parent; Node.js cannot, and such processes would stay as zombies.',
    '    init: true',
    `    # ${late}${seconds(drainMs)} for the requests, ${seconds(stopMs)} for the application's own clean-up, and a margin. The engine's own 10 s would cut that short.`,
    `    stop_grace_period: ${graceSeconds(container)}s`,
    '    healthcheck:',
    `      test: ${yamlList(['CMD', ...healthCommand(container)])}`,
    `      interval: ${healthTimes.interval}s`,
    `      timeout: ${healthTimes.timeout}s`,
    `      retries: ${healthTimes.retries}`,
    `      # ${workers.max === 1 ? 'The worker' : 'Every worker'} may try three times.`,
    `      start_period: ${seconds(container.startMs)}`,
    `    # The program cannot be changed. ${STATE_FOLDER} has the control socket, and Node.js its cache of compiled code, in memory.`,
    '    read_only: true',
    '    volumes:',
    '      - { type: tmpfs, target: /tmp }',
    ...mounts,
    '    cap_drop: [ALL]',
    '    # Without a limit the log of a container grows until the disk is full.',
    '    logging: { driver: json-file, options: { max-size: 20m, max-file: "5" } }',
  ];
}

function variables({ options, secrets }: Container): string[] {
  const lines = [
    ...Object.entries(options).map(([name, value]) => `      ${name}: ${quoted(forCompose(value))}`),
    ...secrets.map((name) => `      ${yaml(name)}: ${quoted(`\${${name}?}`)}`),
  ];
  if (lines.length === 0) return [];
  const why =
    '    # What the command line said. Values that it gave with --env are taken from the shell, or from a file .env beside this one.';
  return [...(secrets.length > 0 ? [why] : []), '    environment:', ...lines];
}

function resources(container: Container): string[] {
  const { cpus, memory, workers } = container;
  return [
    `      # ${workersInWords(workers)}. With workers: auto, tutti starts one for each CPU that it may use.`,
    `      # ${memoryInWords(container)}`,
    '      resources:',
    `        limits: { cpus: "${cpus}", memory: ${memory.bytes / 1024 ** 2}M }`,
  ];
}

export function workersInWords({ min, max }: Container['workers']): string {
  return min === max ? `${max} worker${max === 1 ? '' : 's'}` : `${min} to ${max} workers`;
}

/** Below the line `volumes:` of common(). */
function bindMounts({ envFiles }: Container): string[] {
  if (envFiles.length === 0) return [];
  return [
    `      # Files of variables are not in the image. User ${CONTAINER_USER} must be able to read them.`,
    ...envFiles.map((path) => {
      const source = quoted(forCompose(path.startsWith('/') ? path : `./${path}`));
      return `      - { type: bind, source: ${source}, target: ${quoted(forCompose(inImage(path)))}, read_only: true }`;
    }),
  ];
}

function secretsOf({ label, envFiles }: Container): { name: string; source: string; target: string }[] {
  return envFiles.map((path, at) => ({ name: secretName(label, at), source: path, target: inImage(path) }));
}

function secretMounts(container: Container): string[] {
  const all = secretsOf(container);
  if (all.length === 0) return [];
  return [
    '    # The files of variables are not in the image.',
    '    secrets:',
    ...all.map(
      ({ name, target }) =>
        `      - { source: ${yaml(name)}, target: ${quoted(forCompose(target))}, mode: 292 } # 0444`,
    ),
  ];
}

function secretName(label: string, at: number): string {
  return `${label}-env${at === 0 ? '' : `-${at + 1}`}`;
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)}s`;
}
