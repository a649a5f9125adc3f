// Full load for a while: wrk if it is there, else autocannon in a process of its own.

import { execFile, execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

export interface LoadResult {
  requests: number;
  errors: number;
  p99Ms: number;
}

export const generator = hasWrk() ? 'wrk' : 'autocannon';

function hasWrk(): boolean {
  try {
    execFileSync('wrk', ['-v'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    // `wrk -v` exits with 1 after printing its version
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

export interface LoadOptions {
  connections: number;
  seconds: number;
  keepAlive: boolean;
  path?: string;
}

export async function load(port: number, options: LoadOptions): Promise<LoadResult> {
  const url = `http://127.0.0.1:${port}${options.path ?? '/'}`;
  return generator === 'wrk' ? withWrk(url, options) : withAutocannon(url, options);
}

const runFile = promisify(execFile);

async function withWrk(url: string, { connections, seconds, keepAlive }: LoadOptions): Promise<LoadResult> {
  const headers = keepAlive ? [] : ['-H', 'Connection: close'];
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...headers, url];
  const { stdout } = await runFile('wrk', args);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
  const unit = { us: 0.001, ms: 1, s: 1000 }[(p99?.[2] ?? 'ms') as 'us' | 'ms' | 's'];
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout);
  return {
    requests: number(/(\d+) requests in/),
    // wrk counts the server's close after `Connection: close` as a read error on some versions; only the rest is an error then
    errors:
      number(/Non-2xx or 3xx responses: (\d+)/) +
      (socketErrors
        ? Number(socketErrors[1]) + Number(socketErrors[4]) + (keepAlive ? Number(socketErrors[2]) : 0)
        : 0),
    p99Ms: Number(p99?.[1] ?? 0) * unit,
  };
}

async function withAutocannon(url: string, { connections, seconds, keepAlive }: LoadOptions): Promise<LoadResult> {
  const cli = createRequire(import.meta.url).resolve('autocannon');
  const headers = keepAlive ? [] : ['-H', 'Connection: close'];
  const args = [cli, '-j', '-c', String(connections), '-d', String(seconds), ...headers, url];
  const { stdout } = await runFile(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
  const result: { requests: { total: number }; errors: number; non2xx: number; latency: { p99: number } } =
    JSON.parse(stdout);
  return { requests: result.requests.total, errors: result.errors + result.non2xx, p99Ms: result.latency.p99 };
}
