// Incidents as part of the admin API: composition of host/ and admin/. Runs in the primary.

import * as v from 'valibot';
import type { Route } from '../../admin/api/target.ts';
import type { IncidentStore } from '../../logs/incidents/incident-store.ts';
import { incidentText } from '../../logs/incidents/incident-text.ts';
import type { Incident } from '../../supervisor/vocabulary/incident.ts';

const incident = v.looseObject({
  id: v.string(),
  kind: v.string(),
  at: v.string(),
  summary: v.string(),
  text: v.string(),
});
const incidents = v.strictObject({ schema: v.literal(1), incidents: v.array(incident) });

export function incidentRoutes(store: IncidentStore): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/incidents',
      access: 'read',
      summary: 'What is known of the workers that ended badly, newest first.',
      parameters: [{ name: 'id', in: 'query', description: 'Only this one.' }],
      answers: { 200: { description: 'The incidents, each also as text.', schema: incidents } },
      handle: ({ query }) => {
        const id = query('id');
        const found = id === undefined ? store.list() : [store.get(id)].filter((one) => one !== null);
        return { status: 200, json: { schema: 1, incidents: found.map(withText) } };
      },
    },
  ];
}

/** `stack` is for programs; people read it in `text`. */
function withText(known: Incident): Incident & { text: string } {
  return { ...known, text: incidentText(known) };
}
