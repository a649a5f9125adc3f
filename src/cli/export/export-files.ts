// The work of `tutti export`: makes the files, and prints them or writes them into a folder.

import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { composeFile, swarmFile } from '../../deploy/container/compose.ts';
import type { Container } from '../../deploy/container/container.ts';
import { dockerFiles } from '../../deploy/container/dockerfile.ts';
import { kubernetesFile } from '../../deploy/container/kubernetes.ts';
import { type ExportFile, isUntouched } from '../../deploy/export-file.ts';
import { caddyFile } from '../../deploy/proxy/caddy.ts';
import { nginxFile } from '../../deploy/proxy/nginx.ts';
import { traefikFile } from '../../deploy/proxy/traefik.ts';
import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import { exportUnits } from '../service/export-units.ts';
import type { Terminal } from '../terminal.ts';
import { containersMeant, type Meant, type MeantRequest } from './containers.ts';
import { frontsMeant } from './proxies.ts';

export interface ExportRequest extends MeantRequest {
  to: string;
}

interface Target {
  /** The command's own options that mean something for it, by commander's names. */
  takes: readonly string[];
  files: (request: MeantRequest) => Promise<ExportFile[]>;
}

const ofContainers = ['image', 'port', 'out', 'force'];
const ofLimits = [...ofContainers, 'cpus', 'memory'];

const containers: Record<string, Target> = {
  docker: {
    takes: ofContainers,
    files: async (request) => {
      const { containers, facts } = await containersMeant(request);
      // One image for all apps of the file. There is always a first one.
      return containers.slice(0, 1).flatMap((container) => dockerFiles(container, facts.packages));
    },
  },
  compose: {
    takes: ofLimits,
    files: async (request) => [composeFile((await containersMeant(request)).containers)],
  },
  swarm: {
    takes: [...ofLimits, 'replicas'],
    files: async (request) => [swarmFile(onePort('swarm', await containersMeant(request)))],
  },
  kubernetes: {
    takes: [...ofLimits, 'replicas', 'serviceMonitor'],
    files: async (request) => {
      const serviceMonitor = request.options.serviceMonitor === true;
      return [kubernetesFile(onePort('kubernetes', await containersMeant(request)), { serviceMonitor })];
    },
  },
};

const ofProxies = ['port', 'out', 'force', 'domain', 'machine', 'sticky'];

const proxies: Record<string, Target> = {
  nginx: {
    takes: ofProxies,
    files: async (request) =>
      (await frontsMeant('nginx', ['address', 'own-cookie', 'cookie', 'header'], request)).map(nginxFile),
  },
  caddy: {
    takes: ofProxies,
    files: async (request) => [caddyFile(await frontsMeant('caddy', ['address', 'own-cookie', 'header'], request))],
  },
  traefik: {
    takes: ofProxies,
    files: async (request) => [traefikFile(await frontsMeant('traefik', ['own-cookie'], request))],
  },
};

const ofUnits = ['socket', 'runAs', 'user'];
const targets: Readonly<Record<string, Target>> = { ...containers, ...proxies };
export const targetNames = ['systemd', ...Object.keys(targets)];

export async function exportFiles(request: ExportRequest): Promise<number> {
  const { to, options, terminal } = request;
  const target = targets[to];
  if (target === undefined && to !== 'systemd') {
    throw new TuttiError('ERR_USAGE', {
      problem: `"${to}" is not what can be exported to`,
      hint: `It must be one of ${targetNames.join(', ')}, as in: tutti export docker server.js`,
    });
  }
  refuseOthers(to, target?.takes ?? ofUnits, options);
  if (target === undefined) return exportUnits(request);
  const files = await target.files(request);
  if (options.out !== undefined) return writeAll(to, files, request);
  terminal.stdout.write(options.json === true ? `${JSON.stringify({ schema: 1, files })}\n` : printed(files));
  return exitCodes.stopped;
}

/** The balancers of a cluster know containers, and not the ports of workers in them. */
function onePort(to: string, { containers }: Meant): Container[] {
  if (containers.every(({ ports }) => ports === 1)) return containers;
  throw new TuttiError('ERR_USAGE', {
    problem: `balance ports means nothing to ${to}, whose balancer sends clients to a container and not to a worker in it`,
    hint: 'Give each container one worker (--workers 1 --balance least-connections), and let the balancer keep its clients.',
  });
}

/** What is typed in vain is a mistake. */
function refuseOthers(to: string, takes: readonly string[], options: MeantRequest['options']): void {
  const all = new Set([...ofUnits, ...Object.values(targets).flatMap((target) => target.takes)]);
  const vain = [...all].find((name) => options[name] !== undefined && !takes.includes(name));
  if (vain === undefined) return;
  const flag = vain.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new TuttiError('ERR_USAGE', {
    problem: `--${flag} means nothing to ${to}`,
    hint: `Leave it out. See tutti export --help.`,
  });
}

/** A single file as it is, so that it can be piped on. */
function printed(files: readonly ExportFile[]): string {
  if (files.length === 1) return files.map(({ text }) => text).join('');
  return files.map(({ path, text, why }) => `# ==> ${path}: ${why} <==\n${text}`).join('\n');
}

function writeAll(to: string, files: readonly ExportFile[], { options, terminal }: MeantRequest): number {
  const folder = folderOf(options.out, terminal);
  const found = files.map((file) => ({
    ...file,
    at: join(folder, file.path),
    before: present(join(folder, file.path)),
  }));
  const foreign = found.filter(({ before, text }) => before !== null && before !== text && !isUntouched(before));
  if (foreign.length > 0 && options.force !== true) {
    throw new TuttiError('ERR_EXPORT_EXISTS', { paths: foreign.map(({ at }) => at), to });
  }
  const written = found.map(({ at, text, why, before }) => {
    if (before !== text) write(at, text);
    const what = before === null ? 'written' : before === text ? 'unchanged' : 'written anew';
    return { path: at, what, why };
  });
  if (options.json === true) terminal.stdout.write(`${JSON.stringify({ schema: 1, files: written })}\n`);
  else for (const { path, what, why } of written) terminal.stdout.write(`${path}: ${what}, ${why}\n`);
  return exitCodes.stopped;
}

function folderOf(out: unknown, terminal: Terminal): string {
  const folder = resolve(terminal.cwd, String(out));
  try {
    if (out === '') throw new Error('its name is empty');
    mkdirSync(folder, { recursive: true });
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder');
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'it is not a folder' : messageOf(error);
    throw new TuttiError('ERR_OUT_UNWRITABLE', { path: out === '' ? '' : folder, reason });
  }
}

/** What is there is text, or none of ours. */
function present(path: string): string | null {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  if (stats.isDirectory()) throw new TuttiError('ERR_OUT_UNWRITABLE', { path, reason: 'it is a folder' });
  if (!stats.isFile()) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Whole or not at all. */
function write(path: string, text: string): void {
  const fresh = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(fresh, text, { flag: 'wx' });
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new TuttiError('ERR_OUT_UNWRITABLE', { path, reason: messageOf(error) }, { cause: error });
  }
}
