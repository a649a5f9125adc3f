// Where the application listens, as something to connect to. Pure; in the primary of `tutti lambda`.

import type { Listener } from '../../supervisor/vocabulary/listener.ts';

export type Address = { secure: boolean } & ({ socketPath: string } | { host: string; port: number });

/**
 * The addresses at which the application may be reached, best first: those of the listener with the port it was told (PORT), else of the
 * first that speaks HTTP, else of the first. Empty where it listens nowhere.
 */
export function addressesOf(listeners: readonly Listener[], port: string | undefined): Address[] {
  const usable = listeners.filter(({ protocol }) => protocol !== 'udp');
  const chosen =
    usable.find((listener) => listener.port !== undefined && String(listener.port) === port) ??
    usable.find(({ scheme }) => scheme !== undefined) ??
    usable[0];
  if (chosen === undefined) return [];
  const secure = chosen.scheme === 'https';
  if (chosen.path !== undefined) return [{ secure, socketPath: chosen.path }];
  const { port: number } = chosen;
  if (number === undefined) return [];
  return hostsOf(chosen.address ?? '').map((host) => ({ secure, host, port: number }));
}

/** An address that stands for all is reached by those of the loopback interface. */
function hostsOf(address: string): string[] {
  if (address === '0.0.0.0') return ['127.0.0.1'];
  return address === '::' || address === '' ? ['127.0.0.1', '::1'] : [address];
}
