// A real nginx in front of an app, with the site that `tutti export nginx` makes.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, within } from './eventually.ts';
import { freePort } from './free-port.ts';
import { binPath, nodePath } from './sandbox.ts';

export const noNginx = spawnSync('nginx', ['-v']).error === undefined ? false : 'nginx is not installed';

/** What the command prints for a program. */
export function exportSite(to: string, entry: string, ...flags: string[]): string {
  const args = [binPath, 'export', to, entry, ...flags];
  const { stdout, stderr, status } = spawnSync(nodePath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

export interface Nginx extends AsyncDisposable {
  port: number;
  pid: number;
  /** What it has logged as errors. */
  errors(): string;
}

/** `inside`: what is to run it, as `ip netns exec …`. */
export async function startNginx(site: string, inside: readonly string[] = []): Promise<Nginx> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'nginx-'));
  // Its worker may run as another user.
  chmodSync(dir, 0o755);
  const config = join(dir, 'nginx.conf');
  const log = join(dir, 'error.log');
  writeFileSync(log, '');
  writeFileSync(config, whole(site, port, dir));
  const [program = '', ...args] = [...inside, 'nginx', '-p', dir, '-e', log, '-c', config];
  const nginx = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const gone = new Promise<void>((resolve) => nginx.once('exit', () => resolve()));
  const end = async (): Promise<void> => {
    if (nginx.exitCode === null && nginx.signalCode === null) nginx.kill('SIGTERM');
    await within('nginx to end', gone);
    rmSync(dir, { recursive: true, force: true });
  };
  const errors = (): string => readFileSync(log, 'utf8');
  // Written when its sockets listen.
  const isUp = (): boolean => {
    assert.equal(nginx.exitCode, null, errors());
    return existsSync(join(dir, 'nginx.pid'));
  };
  try {
    await eventually('nginx to listen', isUp);
  } catch (error) {
    await end();
    throw error;
  }
  return { port, pid: nginx.pid ?? 0, errors, [Symbol.asyncDispose]: end };
}

function whole(site: string, port: number, dir: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${dir}/${name};`).join('\n')}
${site.replace('listen 80;', `listen ${port};`).replace('listen [::]:80;', '')}
}
`;
}
