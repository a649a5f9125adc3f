// Whose process is at the other end of a connection on loopback, as the kernel knows it. Runs in the primary.

import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = 0;
const ESTABLISHED = '01';
const MAPPED = /^::ffff:(?=\d+\.)/i;
/** How many times as long as a reading took the next one waits: with tens of thousands of connections on a machine it is work. */
const REST = 2;

/** Both ends of a connection. */
export interface Ends {
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
}

/**
 * Whether this user's processes, or root's, hold the other end. Where the system does not tell (anything but Linux) everybody passes; where
 * it should and does not, nobody.
 */
export async function isOwnUser(ends: Ends): Promise<boolean> {
  if (process.platform !== 'linux' || process.geteuid === undefined) return true;
  const uid = await userOf(ends).catch(() => null);
  return uid === ROOT || uid === process.geteuid();
}

async function userOf({ remoteAddress, remotePort, localAddress, localPort }: Ends): Promise<number | null> {
  const theirs = remoteAddress.replace(MAPPED, '');
  const ours = localAddress.replace(MAPPED, '');
  if (!isIPv4(theirs)) return find(await read('/proc/net/tcp6'), theirs, remotePort, ours, localPort);
  // Who talks IPv4 may do so through a socket of IPv6, whatever our end is.
  return (
    find(await read('/proc/net/tcp'), theirs, remotePort, ours, localPort) ??
    find(await read('/proc/net/tcp6'), `::ffff:${theirs}`, remotePort, `::ffff:${ours}`, localPort)
  );
}

/** In the row of their socket, where they come first. */
function find(table: Buffer, theirs: string, theirPort: number, ours: string, ourPort: number): number | null {
  const at = table.indexOf(`: ${hexOf(theirs)}:${hexPort(theirPort)} ${hexOf(ours)}:${hexPort(ourPort)} `);
  if (at < 0) return null;
  const [, , , state, , , , uid, , inode] = table.toString('latin1', at, table.indexOf('\n', at)).split(/\s+/);
  // A socket that nobody holds any more is shown as root's.
  return state === ESTABLISHED && inode !== '0' ? Number(uid) : null;
}

/** Readings that have not begun: who asks now is in them. */
const coming = new Map<string, Promise<Buffer>>();
let last: Promise<unknown> = Promise.resolve();

function read(path: string): Promise<Buffer> {
  const known = coming.get(path);
  if (known !== undefined) return known;
  let tookMs = 0;
  const reading = last.then(async () => {
    coming.delete(path);
    const began = performance.now();
    const table = await readFile(path);
    tookMs = performance.now() - began;
    return table;
  });
  coming.set(path, reading);
  last = reading.then(() => delay(REST * tookMs, undefined, { ref: false })).catch(() => {});
  return reading;
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** As the kernel prints it: words of four bytes, each in the machine's own order. */
function hexOf(address: string): string {
  const bytes = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : bytesOfV6(address);
  if (endianness() === 'LE') bytes.swap32();
  return bytes.toString('hex').toUpperCase();
}

function bytesOfV6(address: string): Buffer {
  // The parser of URLs writes an address in its one short form, with an embedded IPv4 address as hexadecimal.
  const short = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [front = [], back] = short.split('::').map((part) => part.split(':').filter((word) => word !== ''));
  const words =
    back === undefined ? [...front] : [...front, ...Array(8 - front.length - back.length).fill('0'), ...back];
  const bytes = Buffer.alloc(16);
  for (const [index, word] of words.entries()) bytes.writeUInt16BE(Number.parseInt(word, 16), 2 * index);
  return bytes;
}
