// A TCP port that nothing uses now, below the range from which the kernel takes ports of its own accord.

import { createServer } from 'node:net';

export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (await canBind(port)) return port;
  }
}

export function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** The first of so many such ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const rest = Array.from({ length: count - 1 }, (_, at) => canBind(first + 1 + at));
    if ((await Promise.all(rest)).every(Boolean)) return first;
  }
}
