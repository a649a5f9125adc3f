// The work of `tutti describe`. Asks the supervisor, which knows of what no disk took, and reads the disk of an app that has ended.

import { createColors } from 'picocolors';
import { AdminClientError } from '../../admin/client/client.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import { incidentFolder, namesInState } from '../../files/state-folder.ts';
import { readIncidents } from '../../logs/incidents/incident-store.ts';
import { incidentText } from '../../logs/incidents/incident-text.ts';
import { oneLine } from '../../logs/own/visible.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import type { Incident } from '../../supervisor/vocabulary/incident.ts';
import { chooseOne, knownApps } from '../shared/choose-apps.ts';
import { type Terminal, wantsColor } from '../terminal.ts';
import { detailOf } from './show-status.ts';

export interface IncidentsRequest {
  name: string | undefined;
  id: string | null;
  json: boolean;
  terminal: Terminal;
}

export async function showIncidents({ name, id, json, terminal }: IncidentsRequest): Promise<number> {
  const { name: app, snapshot, incidents } = await incidentsOf(name, terminal);
  const write = (text: string): unknown => terminal.stdout.write(text);
  if (id !== null) {
    const one = id === 'last' ? incidents[0] : incidents.find((incident) => incident.id === id);
    if (one === undefined) throw new TuttiError('ERR_NO_INCIDENT', { name: app, id });
    write(json ? `${JSON.stringify(one)}\n` : incidentText(one));
    return exitCodes.stopped;
  }
  if (json) {
    write(`${JSON.stringify({ schema: 1, app, status: snapshot, incidents })}\n`);
    return exitCodes.stopped;
  }
  write(snapshot === null ? `${app}: does not run\n\n` : `${detailOf(snapshot, terminal).join('\n')}\n\n`);
  if (incidents.length === 0) write(`No worker of ${app} has ended badly in the last 30 days.\n`);
  else {
    for (const incident of incidents) write(line(incident, terminal));
    write(`\nOne of them, with its stack: tutti describe ${app} --incident last, or the id above\n`);
  }
  return exitCodes.stopped;
}

function line({ id, at, lastAt, kind, slot, summary, count }: Incident, terminal: Terminal): string {
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const time = new Date(count > 1 ? lastAt : at);
  const clock = `${time.toLocaleDateString('sv')} ${time.toLocaleTimeString('sv')}`;
  const repeated = count > 1 ? ` (${count} times)` : '';
  return `${colors.dim(clock)} ${colors.red(kind)} ${slot === null ? 'spare' : `worker ${slot}`}: ${oneLine(summary)}${repeated}\n  ${colors.dim(id)}\n`;
}

/** What happened last comes first. */
async function incidentsOf(
  wanted: string | undefined,
  terminal: Terminal,
): Promise<{ name: string; snapshot: Snapshot | null; incidents: readonly Incident[] }> {
  const known = await knownApps(terminal);
  const { running, stopped } = known;
  const onDisk = (name: string) => readDisk(name, terminal).reverse();
  let name = wanted;
  // One that has ended, and was never in the background, is known by its incidents alone.
  if (name === undefined || (![...running, ...stopped].some((app) => app.name === name) && onDisk(name).length === 0)) {
    name = (await chooseOne(name, terminal, 'describe', known)).name;
  }
  const app = running.find((one) => one.name === name);
  if (!app?.answers) return { name, snapshot: null, incidents: onDisk(name) };
  const { snapshot } = app;
  try {
    return { name, snapshot, incidents: await app.client.incidents() };
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error;
    return { name, snapshot, incidents: onDisk(name) };
  }
}

function readDisk(name: string, terminal: Terminal): Incident[] {
  const folder = incidentFolder(terminal.env, name);
  // Throws where it cannot be known.
  namesInState(folder);
  return readIncidents(folder);
}
