// The primary's side of the data plane: joins the listening sockets and the relay of connections, and knows which workers may be given
// connections (primary). The worker's side is src/worker/connections/worker-data-plane.ts.

import type { Balance } from '../../protocol/balance.ts';
import type { BootInfo, DataToPrimary, Heartbeat, RequestCounts } from '../../protocol/messages.ts';
import type { RawConnection, RawHandle } from '../../protocol/raw-handle.ts';
import { lineOf } from '../../protocol/replay.ts';
import { requestKind } from '../../protocol/request-kind.ts';
import { systemMs, takeAnswers, takeCounts } from '../../protocol/scoreboard-layout.ts';
import { HEARTBEAT_MS } from '../../protocol/silence.ts';
import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Account } from '../privileges/as-account.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { testBinding } from '../sockets/bind-socket.ts';
import { mostParked } from '../sockets/descriptors.ts';
import type { ListeningSocketsOptions } from '../sockets/listening-options.ts';
import { ListeningSockets } from '../sockets/listening-sockets.ts';
import type { HandedDescriptor } from '../sockets/open-socket.ts';
import { Suspects } from '../suspects.ts';
import { ConnectionRelay } from './connection-relay.ts';
import type { DataPlane, PortsToShut, Sign } from './data-plane.ts';
import { Echoes } from './echoes.ts';
import { Member } from './member.ts';
import { Scoreboard } from './scoreboard.ts';

type Transfer = Extract<DataToPrimary, { cmd: 'NODE_TUTTI_TRANSFER' }>;
/** The scoreboard is not read again for the silence of a worker within this time. */
const LOOK_AGAIN_MS = 100;

export class PrimaryDataPlane implements DataPlane {
  /** What this version of Node does differently, so that raw handles cannot be relied on; null if nothing. */
  readonly selfTest = testBinding();
  readonly #sockets: ListeningSockets;
  readonly #relay: ConnectionRelay;
  readonly #echoes = new Echoes();
  readonly #members = new Map<WorkerId, Member>();
  readonly #scoreboard = Scoreboard.create();
  readonly #cells = new Map<WorkerId, number>();
  readonly #suspects = new Suspects(monotonicMs);
  readonly #byCell = new Map<number, Member>();
  /** Not reported yet; `at` as monotonicMs(). */
  #signs: { worker: WorkerId; at: number; beat: Heartbeat | null }[] = [];
  #watcher: ((signs: Sign[]) => void) | null = null;
  #lookedAt = 0;
  #clock: NodeJS.Timeout | null = null;

  constructor(options: Omit<ListeningSocketsOptions, 'onConnection' | 'onClosing' | 'lookForSigns'>) {
    this.#sockets = new ListeningSockets({
      ...options,
      onConnection: (key, client) => this.#relay.dispatch(key, client),
      onClosing: (key) => this.#relay.handOut(key),
      lookForSigns: () => {
        this.#look();
        this.#sockets.heard();
      },
    });
    this.#relay = new ConnectionRelay({
      holders: (key) => this.#sockets.holders(key),
      workers: () => this.#members.values(),
      mostParked: mostParked(),
      isOpen: (key) => this.#sockets.isOpen(key),
      connections: () => this.#scoreboard?.connections() ?? (() => 0),
    });
  }

  enrol(worker: WorkerId, uid: number | null): BootInfo['scoreboard'] {
    const cell = this.#scoreboard?.allocate() ?? null;
    if (this.#scoreboard === null || cell === null) return null;
    this.#scoreboard.giveTo(uid);
    this.#cells.set(worker, cell);
    this.#clock ??= setInterval(() => this.tellSigns(), HEARTBEAT_MS).unref();
    return { path: this.#scoreboard.path, cell };
  }

  joined(worker: WorkerProcess, runs: { balance: Balance; account: Account | null }): void {
    const cell = this.#cells.get(worker.id) ?? null;
    const member = new Member(worker, runs, cell, () => this.#lookAgain());
    this.#members.set(worker.id, member);
    if (cell !== null) this.#byCell.set(cell, member);
  }

  message(worker: WorkerProcess, message: DataToPrimary, handle: RawHandle | undefined): void {
    const member = this.#members.get(worker.id);
    if (member === undefined) {
      (handle as RawConnection | undefined)?.close();
      return;
    }
    switch (message.cmd) {
      case 'NODE_TUTTI_LISTEN':
        this.#sockets.handleListen(member, message);
        return;
      case 'NODE_TUTTI_COPY':
        this.#sockets.handleCopy(member, message);
        return;
      case 'NODE_TUTTI_CLOSE':
        this.#sockets.handleClose(member, message.key);
        return;
      case 'NODE_TUTTI_PONG':
        if (!this.#echoes.heard(message.id)) this.#relay.lost(member, message.id);
        return;
      case 'NODE_TUTTI_SETTLE':
        this.#relay.settle(member);
        return;
      case 'NODE_TUTTI_ADOPTED':
        this.#relay.adopted(member, message);
        return;
      case 'NODE_TUTTI_TRANSFER':
        if (message.to === null && message.held === null && !(member.draining || message.dying)) this.#sockets.full();
        if (handle !== undefined) this.#transfer(member, message, handle as RawConnection);
        return;
      case 'NODE_TUTTI_DYING':
        this.#suspects.died(message.kinds);
        return;
      default:
        message satisfies never;
    }
  }

  admitted(worker: WorkerId): void {
    const member = this.#members.get(worker);
    if (member === undefined) return;
    member.admitted = true;
    // It has just said that it is ready, which is a sign of life.
    member.admittedAt = monotonicMs();
    this.#sockets.admitted();
    this.#relay.pump();
  }

  accepting(worker?: WorkerId): Promise<void> {
    const wanted = [...this.#members.values()].filter(({ id }) => worker === undefined || id === worker);
    return this.#echoes.of(wanted.filter((member) => member.isAdmitted()));
  }

  draining(worker: WorkerId): void {
    const member = this.#members.get(worker);
    if (member === undefined) return;
    member.draining = true;
    this.#sockets.draining(member);
    this.#relay.pump();
  }

  /** A worker gave a sign of life, so it may take what waits. */
  heard(_worker: WorkerId): void {
    this.#sockets.heard();
    this.#relay.pump();
  }

  watchSigns(heard: (signs: Sign[]) => void): void {
    this.#watcher = heard;
  }

  tellSigns(): void {
    this.#look();
    this.#sockets.heard();
    this.#relay.pump();
    this.#relay.askForLost();
    const signs = this.#signs;
    if (signs.length === 0) return;
    this.#signs = [];
    const now = monotonicMs();
    this.#watcher?.(signs.map(({ worker, at, beat }) => ({ worker, agoMs: Math.round(now - at), beat })));
  }

  /** The current counts of the workers that have a seat on the scoreboard. */
  requestCounts(): { worker: WorkerId; counts: RequestCounts }[] {
    return this.#counted(takeCounts).map(([worker, counts]) => ({ worker, counts }));
  }

  /** The same as one number per worker. */
  answers(): ReadonlyMap<WorkerId, number> {
    return new Map(this.#counted(takeAnswers));
  }

  #counted<T>(take: (record: Float64Array) => T): [WorkerId, T][] {
    const found: [WorkerId, T][] = [];
    for (const [cell, counted] of this.#scoreboard?.tallies(take) ?? []) {
      const member = this.#byCell.get(cell);
      if (member !== undefined) found.push([member.id, counted]);
    }
    return found;
  }

  /** How long the worker has given no sign of life, by message or on the scoreboard. */
  silentMs(worker: WorkerId): number {
    const member = this.#members.get(worker);
    return member === undefined || member.isFresh() ? 0 : member.silentMs();
  }

  tally(worker: WorkerId): RequestCounts | null {
    const cell = this.#cells.get(worker);
    return cell === undefined ? null : (this.#scoreboard?.tally(cell) ?? null);
  }

  replayed(worker: WorkerId): number {
    return this.#members.get(worker)?.replayed ?? 0;
  }

  gone(worker: WorkerId): void {
    const cell = this.#cells.get(worker);
    if (cell !== undefined) {
      this.#scoreboard?.release(cell);
      this.#byCell.delete(cell);
    }
    this.#cells.delete(worker);
    const member = this.#members.get(worker);
    if (member === undefined) return;
    this.#members.delete(worker);
    this.#sockets.release(member);
    this.#relay.gone(member);
    this.#echoes.gone(member);
  }

  closePorts(): void {
    this.#sockets.closePorts();
    this.#relay.dropParked();
  }

  /** The sockets that a successor of this primary is to get. */
  handed(): HandedDescriptor[] {
    return this.#sockets.handed();
  }

  /** Another process goes on with all sockets: when they are closed here, what clients send is not taken first, and no path is removed. */
  letGo(): void {
    this.#sockets.letGo();
  }

  shutPorts(which: PortsToShut): Listener[] {
    return this.#sockets.shut(which);
  }

  /** How many connections were passed from one worker to another so far. */
  transfers(): number {
    return this.#relay.transferred;
  }

  listeners(): Listener[] {
    return this.#sockets.list();
  }

  close(): void {
    if (this.#clock !== null) clearInterval(this.#clock);
    this.#sockets.close();
    this.#relay.close();
    this.#scoreboard?.close();
  }

  #transfer(from: Member, message: Transfer, client: RawConnection): void {
    if (message.head !== undefined) {
      if (this.#suspects.has(requestKind(...lineOf(message.head)))) {
        client.close();
        return;
      }
      from.replayed += 1;
    }
    this.#relay.transfer(from, message, client);
  }

  #lookAgain(): void {
    if (monotonicMs() - this.#lookedAt >= LOOK_AGAIN_MS) this.#look();
  }

  /** Reads the signs of all workers at once. */
  #look(): void {
    const now = monotonicMs();
    const systemNow = systemMs(process.hrtime());
    // A sign that was not there at the last look is no older than that, whatever the worker's clock says.
    const mostMs = now - this.#lookedAt;
    this.#lookedAt = now;
    this.#scoreboard?.signs((cell, aliveAtMs, beat) => {
      const member = this.#byCell.get(cell);
      if (member === undefined) return;
      const at = now - Math.min(mostMs, Math.max(0, systemNow - aliveAtMs));
      member.heard(at, beat);
      this.#signs.push({ worker: member.id, at, beat });
    });
  }
}
