// Who may do what through which door. The control socket is guarded by its folder; a TCP port is reachable by every user of
// the machine and by every page in a browser on it. Runs in the primary.

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { failed } from '../api/routes.ts';
import type { Route, RouteAnswer } from '../api/target.ts';
import { isAuthorized } from './token.ts';

/** How the request came in: decided by the listener, not by anything in the request. */
export type Door =
  | { type: 'socket' }
  /** `hosts` are the names under which the operator said it is reached. */
  | { type: 'tcp'; loopback: boolean; hosts: readonly string[] };

interface Asked {
  headers: IncomingHttpHeaders;
  method: string;
  path: string;
  access: Route['access'];
}

/** The answer that ends the request here, or null when it may go on. `isOwnUser` is asked where loopback alone is not enough. */
export async function refusalOf(
  asked: Asked,
  door: Door,
  token: string,
  isOwnUser: () => Promise<boolean>,
): Promise<RouteAnswer | null> {
  if (door.type === 'tcp') {
    const host = asked.headers.host;
    if (host === undefined || !isOurHost(host, door.hosts)) {
      return failed(403, 'host', 'This supervisor is not reached under that host name.');
    }
    const origin = asked.headers.origin;
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
      return failed(403, 'origin', 'Pages of another origin may not talk to this supervisor.');
    }
    // Browsers tell of requests that a foreign page causes without an Origin header, such as those of images.
    const site = asked.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return failed(403, 'origin', 'Pages of another site may not talk to this supervisor.');
    }
  }
  if (asked.access === 'open' || isAuthorized(asked.headers.authorization, token)) return null;
  if (asked.access !== 'control') {
    if (door.type === 'socket') return null;
    if (door.loopback && (asked.access === 'measure' || (await isOwnUser()))) return null;
  }
  const who = asked.access === 'read' && door.type === 'tcp' && door.loopback ? 'Another user runs this app. ' : '';
  return failed(
    401,
    'token',
    `${who}Send the token of the file beside the control socket: Authorization: Bearer <token>.`,
  );
}

/**
 * A page that makes its own name point to this machine (DNS rebinding) still sends that name as Host. An address cannot be
 * rebound, so addresses pass, and so do the names of this machine and what the operator bound to.
 */
function isOurHost(header: string, hosts: readonly string[]): boolean {
  const name = header
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase() || hosts.includes(name);
}
