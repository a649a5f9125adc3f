// Joins the admin API to a running supervisor: part of the composition, loaded after the workers were started. Runs in the primary.

import { type AdminOptions, AdminServer } from '../../admin/server/admin-server.ts';
import type { Config } from '../../config/options.ts';
import { messageOf, TuttiError } from '../../errors.ts';
import { version } from '../../version.ts';
import type { SupervisionHandle } from '../supervision.ts';
import { givenToken } from './given-token.ts';

/**
 * Opens the control socket and, if asked, the TCP port. `required`: throws when the socket cannot be had, because a supervisor
 * in the background that nobody can stop must not begin. Otherwise what fails is told in one line and the app runs on.
 */
export async function openControl(
  handle: SupervisionHandle,
  config: Config,
  { required, ...more }: Pick<AdminOptions, 'extras' | 'routes' | 'past'> & { required: boolean },
): Promise<AdminServer> {
  const given = givenToken(process.env);
  if (given.problem !== null) handle.report({ type: 'notice', level: 'warn', message: given.problem });
  const admin = new AdminServer(handle, {
    env: process.env,
    version,
    listen: config.admin,
    token: given.token,
    ...more,
  });
  const socket = await admin.openSocket();
  if (required && socket.outcome !== 'bound') {
    await admin.close();
    throw socket.outcome === 'taken'
      ? new TuttiError('ERR_ALREADY_RUNNING', { names: [config.name] })
      : new TuttiError('ERR_NO_CONTROL', { name: config.name, reason: socket.reason });
  }
  if (socket.outcome === 'taken') {
    tell(
      handle,
      `another app is named ${config.name}: this one runs without a control socket, unless --name tells them apart`,
    );
  } else if (socket.outcome === 'impossible') {
    tell(handle, `runs without a control socket, because it cannot be made: ${socket.reason}`);
  } else if (socket.noToken !== null) {
    tell(handle, `takes commands only when its token can be written, which is tried again: ${socket.noToken}`);
  }
  try {
    const address = await admin.openTcp();
    if (address !== null) {
      const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      handle.report({ type: 'admin-port', url: `http://${host}:${address.port}`, reason: null });
    }
  } catch (error) {
    const reason = `${config.admin?.host}:${config.admin?.port}: ${reasonOf(error)}`;
    handle.report({ type: 'admin-port', url: null, reason });
  }
  return admin;
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return 'another process listens there; name another port with --admin (ss -ltnp shows who it is)';
  if (code === 'EACCES') return 'this user may not listen there; name a port from 1024 on with --admin';
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address';
  return messageOf(error);
}

function tell(handle: SupervisionHandle, message: string): void {
  handle.report({ type: 'notice', level: 'info', message });
}
