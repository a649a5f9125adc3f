// What net.Server holds as its `_handle` between listen() and the primary's answer. With it address(), `listening`, close() and a second
// listen() work as under plain node, where listen() has its socket before it returns. Runs in the worker.
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { ListenRequest, SocketName } from '../../protocol/messages.ts';
import { guarded, nextTick } from '../guard.ts';

export class PendingHandle {
  readonly fd = -1;
  /** The application closed the server before the answer came. */
  closed = false;
  /** Absent while the name is unknown: address() is then null, or the path of a unix socket. */
  getsockname?: (out: SocketName) => number;

  constructor(request: Pick<ListenRequest, 'address' | 'port'>) {
    const { port } = request;
    if (port === null || port <= 0) return;
    this.getsockname = (out) => {
      const address = request.address ?? (hasIPv6() ? '::' : '0.0.0.0');
      Object.assign(out, { address, family: isIPv6(address) ? 'IPv6' : 'IPv4', port });
      return 0;
    };
  }

  close(callback?: () => void): void {
    this.closed = true;
    if (callback !== undefined) nextTick(guarded('closing a listener', () => callback));
  }

  // The pending answer keeps the process alive. The server remembers an unref() for the real handle.
  ref(): void {}
  unref(): void {}
  hasRef(): boolean {
    return !this.closed;
  }
  /** Permissions are set where the socket is bound. */
  fchmod(): number {
    return 0;
  }
}

/** With IPv6, a server without a host binds to ::. */
function hasIPv6(): boolean {
  try {
    return Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'));
  } catch {
    return false;
  }
}
