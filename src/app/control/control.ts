// When an app's control socket opens, what is offered there beside the commands, and its end. Part of the composition; runs in the
// primary. The admin API itself is loaded as late as its user can bear, because the workers do not need it.

import type { RecordedEvent } from '../../admin/api/event-history.ts';
import type { AdminExtras, Route } from '../../admin/api/target.ts';
import type { AdminServer } from '../../admin/server/admin-server.ts';
import type { Config } from '../../config/options.ts';
import type { Inspection, InspectionWish } from '../../host/look/inspections.ts';
import type { IncidentStore } from '../../logs/incidents/incident-store.ts';
import { placeOf } from '../../logs/workers/log-place.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import type { SupervisionHandle } from '../supervision.ts';
import type { UpgradeWish } from '../takeover/handover.ts';

/** A worker that takes long to start is no reason to be out of control. */
const AT_LATEST_MS = 200;

interface Around {
  config: Config;
  extras: AdminExtras;
  incidents: IncidentStore;
  inspect: (slot: number, wish: InspectionWish) => Promise<Inspection>;
  upgrade: (wish: UpgradeWish) => Promise<CommandResult>;
  /** False from the moment on in which the app ends. */
  isWanted: () => boolean;
}

export class AppControl {
  readonly #handle: SupervisionHandle;
  readonly #around: Around;
  #server: Promise<AdminServer | null> = Promise.resolve(null);
  /** Of the supervisor before, and once this one has let go, its own. */
  events: readonly RecordedEvent[] = [];

  constructor(handle: SupervisionHandle, around: Around) {
    this.#handle = handle;
    this.#around = around;
  }

  /** Kept when the socket is open; rejects with a TuttiError where it cannot be had. */
  async openFirst(): Promise<void> {
    this.#server = this.#open(true);
    await this.#server;
  }

  /** Opens the socket when the workers have started. Without it the app runs as well: what fails is told in one line. */
  openBeside(): void {
    // A page that somebody asked for is there when the app is.
    const opened = this.#around.config.admin === null ? this.#openSoon() : this.#open(false);
    this.#server = opened.catch((error: unknown) => {
      // Its files cannot be loaded, for example while an installation replaces them.
      const message = `runs without a control socket, because it cannot be opened: ${String(error)}`;
      this.#handle.report({ type: 'notice', level: 'warn', message });
      return null;
    });
  }

  /** As the app wishes it, when its place is free. Rejects where the socket is required and cannot be had. */
  async open(wish: 'wanted' | 'required' | 'none'): Promise<void> {
    if (wish === 'none') return;
    this.#server = this.#open(wish === 'required');
    await this.#server;
  }

  /** Takes no new client, so that a successor can have the places; who waits for an answer still gets it. Never rejects. */
  async letGo(): Promise<void> {
    const server = await this.#server.catch(() => null);
    server?.letGo();
    this.events = server?.recentEvents() ?? [];
  }

  /** Takes clients again. Never rejects. */
  async openAgain(): Promise<void> {
    await (await this.#server.catch(() => null))?.openAgain();
  }

  /** Kept when nothing of it is left. Never rejects. */
  async close(): Promise<void> {
    try {
      await (await this.#server)?.close();
    } catch {
      // It was told when it was opened.
    }
  }

  /** Workers that start have the processors to themselves, for as long as that takes as a rule. */
  async #openSoon(): Promise<AdminServer | null> {
    await new Promise<void>((go) => {
      const late = setTimeout(go, AT_LATEST_MS);
      this.#handle.ready
        .catch(() => {})
        .finally(() => {
          clearTimeout(late);
          go();
        });
    });
    return this.#around.isWanted() ? this.#open(false) : null;
  }

  async #open(required: boolean): Promise<AdminServer> {
    const { config, extras } = this.#around;
    const { openControl } = await import('./open-control.ts');
    return openControl(this.#handle, config, { required, extras, past: this.events, routes: () => this.#moreRoutes() });
  }

  /** Loaded when the control socket is asked for the first time. */
  async #moreRoutes(): Promise<Route[]> {
    const { config, incidents, inspect, upgrade } = this.#around;
    const { incidentRoutes } = await import('./incident-routes.ts');
    const { inspectRoutes } = await import('./inspect-routes.ts');
    const { upgradeRoute } = await import('./upgrade-route.ts');
    const routes = [...incidentRoutes(incidents), ...inspectRoutes(inspect), upgradeRoute(upgrade)];
    const { logFile: file, logFormat } = config;
    // What stands on stdout is read by whoever started this.
    if (file === null || (await placeOf(file)).descriptor !== null) return routes;
    const { logRoutes } = await import('./log-routes.ts');
    return [...routes, ...logRoutes({ file, format: logFormat ?? 'raw' })];
  }
}
