// An app as a proxy in front of it has to know it: where it listens, and what keeps a client with a worker. Pure.

import type { Config } from '../../config/options.ts';
import { portCount } from '../ports.ts';

/** By what a client is known again: its address, a cookie that the proxy itself sets, or a cookie or a header of the application. */
export type Sticky =
  | { by: 'address' }
  | { by: 'own-cookie' }
  | { by: 'cookie'; name: string }
  | { by: 'header'; name: string };

export interface Front {
  app: string;
  /** The app's name where only letters, digits and _ may stand. */
  label: string;
  /** By which clients know it. */
  domain: string;
  machines: readonly string[];
  /** One that all workers share, or one for each slot. */
  ports: readonly number[];
  /** Null: any worker may answer any request. */
  sticky: Sticky | null;
  /** How long the proxy may keep an idle connection: it must be the first to give it up. */
  idleSeconds: number;
}

/** Node's, where neither the configuration nor the application says anything. */
const USUAL_KEEP_ALIVE_MS = 5000;

export interface FrontRequest {
  port: number;
  domain: string | null;
  machines: readonly string[];
  /** Only with a port for each slot. */
  sticky: Sticky | null;
}

/** With a range of workers, the ports of all slots that there may be: one that is not there refuses, and the proxy tries the next. */
export function frontOf(config: Config, { port, domain, machines, sticky }: FrontRequest): Front {
  return {
    app: config.name,
    label: config.name.replace(/\W/g, '_'),
    domain: domain ?? `${config.name.replace(/[^a-z0-9-]/gi, '-').toLowerCase()}.example.com`,
    machines: machines.length === 0 ? ['127.0.0.1'] : machines,
    ports: Array.from({ length: portCount(config, port) }, (_, slot) => port + slot),
    sticky,
    idleSeconds: Math.max(1, Math.floor(((config.keepAliveTimeoutMs ?? USUAL_KEEP_ALIVE_MS) - 1000) / 1000)),
  };
}

/** Every place where it listens, machine by machine within each slot, so that a failure of one machine meets all slots alike. */
export function placesOf({ machines, ports }: Front): string[] {
  return ports.flatMap((port) => machines.map((machine) => `${bracketed(machine)}:${port}`));
}

function bracketed(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}
