// Opens the doors of the admin API: the control socket, and a TCP port if asked. Runs in the primary.
//
// The API itself (app.ts) is loaded with the first request: until then a supervisor pays for a listening socket only.

import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { messageOf } from '../../errors.ts';
import { isAppName } from '../../files/app-name.ts';
import { controlPaths, stateFolders } from '../../files/state-folder.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import type { RequestListener } from '../api/app.ts';
import { EventHistory, type RecordedEvent } from '../api/event-history.ts';
import type { AdminExtras, AdminTarget, Route } from '../api/target.ts';
import { bindControlSocket } from './control-socket.ts';
import { DoorServer } from './door-server.ts';
import type { Door } from './gate.ts';
import { ensureToken, freshToken, readToken, writeToken } from './token.ts';

/** How long answers under way may take at the end. Chosen, not measured. */
const CLOSE_PATIENCE_MS = 2000;
/** How soon a socket comes back that somebody's cleaning of temporary files, or the end of a session, has removed. */
const WATCH_SOCKET_MS = 5000;

export interface AdminOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** tutti's. */
  version: string;
  /** `[host:]port`; null: no TCP. */
  listen: { host: string; port: number } | null;
  /** The token to demand, which is written beside the socket; null: the one that is there, or a new one. */
  token: string | null;
  extras: AdminExtras;
  /** The events of a supervisor before this one. */
  past?: readonly RecordedEvent[];
  /** More routes of other rooms, which are loaded with the API. */
  routes?: () => Promise<readonly Route[]>;
}

export type SocketOutcome =
  /** `noToken`: why nobody can command through it for now. */
  | { outcome: 'bound'; path: string; noToken: string | null }
  | { outcome: 'taken'; path: string }
  | { outcome: 'impossible'; reason: string };

export class AdminServer {
  readonly #target: AdminTarget;
  readonly #options: AdminOptions;
  readonly #history: EventHistory;
  readonly #doors = new Set<DoorServer>();
  readonly #closing = new AbortController();
  readonly #record = (event: SupervisorEvent) => this.#history.add(event);
  #token: string | null = null;
  /** Where the token is to be written as soon as it can be. */
  #unwrittenToken: string | null = null;
  /** Where it was written. */
  #tokenFile: string | null = null;
  #socket: { door: DoorServer; path: string } | null = null;
  #watch: NodeJS.Timeout | null = null;
  #app: Promise<(door: Door) => RequestListener> | null = null;

  constructor(target: AdminTarget, options: AdminOptions) {
    this.#target = target;
    this.#options = options;
    this.#token = options.token;
    this.#history = new EventHistory(options.past);
    setMaxListeners(0, this.#closing.signal);
    target.on('event', this.#record);
  }

  /**
   * Binds `<state>/run/<name>.sock`, in the first state folder that can hold it. Never throws: a supervisor that cannot be
   * controlled is worth more than none.
   */
  async openSocket(): Promise<SocketOutcome> {
    const name = this.#target.name;
    if (!isAppName(name)) {
      return {
        outcome: 'impossible',
        reason: `the name "${name}" cannot be a file name: use letters, digits, ".", "_" and "-"`,
      };
    }
    const reasons: string[] = [];
    for (const state of this.#stateFolders(reasons)) {
      const paths = controlPaths(state, name);
      const door = this.#openDoor({ type: 'socket' });
      const bound = await bindControlSocket(door.socket, paths.socket);
      if (bound.outcome === 'taken') return { outcome: 'taken', path: paths.socket };
      if (bound.outcome === 'impossible') {
        reasons.push(bound.reason);
        continue;
      }
      this.#doors.add(door);
      this.#socket = { door, path: paths.socket };
      this.#watch ??= setInterval(() => void this.#comeBack(), WATCH_SOCKET_MS).unref();
      this.#unwrittenToken = paths.token;
      return { outcome: 'bound', path: paths.socket, noToken: this.#keepToken() };
    }
    return { outcome: 'impossible', reason: reasons.join('; ') };
  }

  #stateFolders(reasons: string[]): readonly string[] {
    try {
      return stateFolders(this.#options.env);
    } catch (error) {
      reasons.push(messageOf(error));
      return [];
    }
  }

  /** Rejects with the system's error, such as EADDRINUSE: an operator who asked for a port relies on it. */
  async openTcp(): Promise<AddressInfo | null> {
    const listen = this.#options.listen;
    if (listen === null) return null;
    const door = this.#openDoor({
      type: 'tcp',
      loopback: isLoopback(listen.host),
      hosts: [listen.host.toLowerCase()],
    });
    await new Promise<void>((resolve, reject) => {
      door.socket.once('error', reject);
      door.socket.listen({ host: listen.host, port: listen.port }, () => {
        door.socket.off('error', reject);
        resolve();
      });
    });
    this.#doors.add(door);
    return door.socket.address() as AddressInfo;
  }

  /** Why the token cannot be written, or null. Without its file nobody can know it: the supervisor can be read, not controlled. */
  #keepToken(): string | null {
    const path = this.#unwrittenToken;
    if (path === null) return null;
    try {
      this.#token = this.#token === null ? ensureToken(path) : writeToken(path, this.#token);
      this.#unwrittenToken = null;
      this.#tokenFile = path;
      return null;
    } catch (error) {
      // The one that is compared with from now on; it is written when there is room.
      this.#token ??= freshToken();
      return messageOf(error);
    }
  }

  /** The old server goes first: its end would remove whatever has its name. */
  async #comeBack(): Promise<void> {
    // Emptied, damaged or removed: without it nobody could stop the app.
    if (this.#tokenFile !== null && readToken(this.#tokenFile) === null) this.#unwrittenToken = this.#tokenFile;
    this.#keepToken();
    if (this.#socket !== null) {
      if (existsSync(this.#socket.path)) return;
      // Who is connected to it stays so.
      this.#socket.door.socket.close();
      this.#socket = null;
    }
    await this.openSocket();
    if (this.#closing.signal.aborted) await this.close();
  }

  recentEvents(): RecordedEvent[] {
    return this.#history.since(null).events;
  }

  /** Takes no new client, so that another process can have its places. Who waits for an answer still gets it. */
  letGo(): void {
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
    this.#socket = null;
    for (const { socket } of this.#doors) socket.close();
  }

  /** Takes new clients again, where it did before. What cannot be had is tried again while the app lives. */
  async openAgain(): Promise<void> {
    await this.openSocket();
    this.#watch ??= setInterval(() => void this.#comeBack(), WATCH_SOCKET_MS).unref();
    await this.openTcp().catch(() => {});
  }

  /** Takes no new client, lets answers under way go out, ends the event streams. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#target.off('event', this.#record);
    if (this.#watch !== null) clearInterval(this.#watch);
    const doors = [...this.#doors];
    const closed = doors.map((door) => new Promise<void>((resolve) => door.close(resolve)));
    const answering = doors.flatMap((door) => [...door.answering]);
    await Promise.race([
      Promise.all(answering.map((response) => new Promise((resolve) => response.once('close', resolve)))),
      new Promise((resolve) => setTimeout(resolve, CLOSE_PATIENCE_MS).unref()),
    ]);
    for (const door of doors) door.closeAllConnections();
    await Promise.all(closed);
    this.#doors.clear();
  }

  #openDoor(door: Door): DoorServer {
    let listener: RequestListener | null = null;
    return new DoorServer((request, response, visit) => {
      if (listener !== null) return listener(request, response, visit);
      this.#load().then(
        (app) => {
          listener ??= app(door);
          listener(request, response, visit);
        },
        (error: unknown) => this.#refuse(request, response, error),
      );
    });
  }

  #load(): Promise<(door: Door) => RequestListener> {
    const { extras, routes } = this.#options;
    this.#app ??= Promise.all([import('../api/app.ts'), routes?.() ?? []]).then(([{ createApp }, more]) =>
      createApp({
        target: this.#target,
        extras: { ...extras, routes: [...(extras.routes ?? []), ...more] },
        history: this.#history,
        token: this.#token ?? freshToken(),
        version: this.#options.version,
        closing: this.#closing.signal,
      }),
    );
    this.#app.catch(() => {
      this.#app = null;
    });
    return this.#app;
  }

  /** The files of tutti itself cannot be loaded, for example while an installation replaces them. The next request tries anew. */
  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    request.resume();
    const message = `The admin API cannot be loaded: ${messageOf(error)}`;
    response.writeHead(503, { 'content-type': 'application/json; charset=utf-8', connection: 'close' });
    response.end(JSON.stringify({ schema: 1, error: { code: 'not-loaded', message } }));
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
