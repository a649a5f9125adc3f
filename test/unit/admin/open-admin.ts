// An admin server with a folder of its own, on its socket and, if asked, on TCP; gone after the test.

import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AdminExtras } from '../../../src/admin/api/target.ts';
import { AdminClient } from '../../../src/admin/client/client.ts';
import { AdminServer } from '../../../src/admin/server/admin-server.ts';
import { readToken } from '../../../src/admin/server/token.ts';
import { controlPaths } from '../../../src/files/state-folder.ts';
import { MemoryTarget } from './memory-target.ts';

export function temporaryState(test: TestContext): string {
  const state = mkdtempSync(join(tmpdir(), 'tutti-admin-'));
  test.after(() => rmSync(state, { recursive: true, force: true }));
  return state;
}

export async function openAdmin(
  test: TestContext,
  options: { listen?: string; extras?: AdminExtras; target?: MemoryTarget; state?: string; token?: string } = {},
) {
  const state = options.state ?? temporaryState(test);
  const target = options.target ?? new MemoryTarget();
  const server = new AdminServer(target, {
    env: { TUTTI_HOME: state },
    version: '0.0.0',
    listen: options.listen === undefined ? null : { host: options.listen, port: 0 },
    token: options.token ?? null,
    extras: options.extras ?? {},
  });
  const socket = await server.openSocket();
  const address = await server.openTcp();
  test.after(() => server.close());
  const paths = controlPaths(state, target.name);
  const token = readToken(paths.token) ?? '';
  return { state, target, server, socket, paths, token, address, client: new AdminClient(target.name, paths) };
}

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  json: () => { error?: { code: string }; [key: string]: unknown };
}

/** One request by hand: `at` is a socket path or a TCP port. */
export function ask(
  at: string | number,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  const where = typeof at === 'string' ? { socketPath: at } : { host: '127.0.0.1', port: at };
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, method, path, headers: options.headers ?? {}, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(options.body);
  });
}
