// Where a worker listens, as the core and all who tell of it know it. Values only.

export interface Listener {
  protocol: 'tcp' | 'udp' | 'unix';
  address?: string;
  port?: number;
  path?: string;
  /** 'http' or 'https' where the preload could tell; for the URL that is printed. */
  scheme?: 'http' | 'https';
  /** How long its server keeps an idle connection, where it speaks HTTP/1; 0: for ever. */
  keepAliveMs?: number;
}
