// Keeps an app's incidents on the disk, a file for programs and one for people each, bounded by number and age; where the disk
// can't be written, in memory.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, namesIfAny, readOwn } from '../../files/ownership.ts';
import { writeState } from '../../files/state-file.ts';
import type { Incident } from '../../supervisor/vocabulary/incident.ts';
import { incidentText } from './incident-text.ts';

const MOST = 50;
const MAX_AGE_MS = 30 * 24 * 3600 * 1000;

export class IncidentStore {
  readonly #folder: string | null;
  /** In the order in which they last happened. */
  readonly #incidents: Incident[];

  /** Null: there is no folder to be had. */
  constructor(folder: string | null) {
    this.#folder = folder;
    this.#incidents = folder === null ? [] : readIncidents(folder);
  }

  /** What happened last, or again last, first. */
  list(): readonly Incident[] {
    return this.#incidents.toReversed();
  }

  get(id: string): Incident | null {
    return this.#incidents.find((incident) => incident.id === id) ?? null;
  }

  /** Adds it, or writes it anew if it is there already: it has just happened. */
  put(happened: Omit<Incident, 'serial'>): void {
    const incident = { ...happened, serial: (this.#incidents.at(-1)?.serial ?? 0) + 1 };
    const at = this.#incidents.findIndex(({ id }) => id === incident.id);
    if (at >= 0) this.#incidents.splice(at, 1);
    this.#incidents.push(incident);
    this.#write(incident);
    const oldest = Date.now() - MAX_AGE_MS;
    while (this.#incidents.length > MOST || Date.parse(this.#incidents[0]?.lastAt ?? '') < oldest) {
      const gone = this.#incidents.shift();
      if (gone === undefined) return;
      this.#remove(gone);
    }
  }

  #remove({ id }: Incident): void {
    if (this.#folder === null) return;
    try {
      for (const end of ['json', 'txt']) rmSync(join(this.#folder, `${id}.${end}`), { force: true });
    } catch {
      // On a disk that became read-only it stays there, and is forgotten here.
    }
  }

  #write(incident: Incident): void {
    if (this.#folder === null) return;
    try {
      makeFolder(this.#folder);
      const path = join(this.#folder, incident.id);
      writeState(`${path}.json`, `${JSON.stringify(incident, null, 2)}\n`);
      writeState(`${path}.txt`, incidentText(incident));
    } catch {
      // A read-only or full disk: the incident is still told as an event and kept in memory.
    }
  }
}

/** Those of an app that may not run any more, in the order in which they last happened; none where they may not be looked at. */
export function readIncidents(folder: string): Incident[] {
  const incidents: Incident[] = [];
  for (const name of namesIfAny(folder)) {
    if (!name.endsWith('.json')) continue;
    try {
      const incident: unknown = JSON.parse(readOwn(join(folder, name)));
      if (isIncident(incident) && `${incident.id}.json` === name) incidents.push(incident);
    } catch {
      // Somebody else's file, or a damaged one: the others are shown.
    }
  }
  return incidents.sort((a, b) => (a.serial ?? 0) - (b.serial ?? 0) || Date.parse(a.lastAt) - Date.parse(b.lastAt));
}

function isIncident(value: unknown): value is Incident {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, id, kind, at, lastAt, count, summary, requests, lastLines, stack } = value as Partial<Incident>;
  const texts: unknown[] = [id, kind, at, lastAt, summary];
  return (
    schema === 1 &&
    texts.every((text) => typeof text === 'string') &&
    typeof count === 'number' &&
    Array.isArray(requests) &&
    Array.isArray(lastLines) &&
    (stack === null || Array.isArray(stack))
  );
}
