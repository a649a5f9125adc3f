// The workers' log as part of the admin API: composition of logs/ and admin/. Runs in the primary; the file is read from the disk.

import * as v from 'valibot';
import { failed, type Route } from './admin/routes.ts';
import { follow, lastRecords } from './logs/read-log.ts';
import type { LogFormat } from './logs/record.ts';

export interface LogLocation {
  file: string;
  format: LogFormat;
}

const MOST_LINES = 10_000;

const where = v.strictObject({ schema: v.literal(1), file: v.string(), format: v.string() });
const records = v.strictObject({ schema: v.literal(1), records: v.array(v.looseObject({ line: v.string() })) });

export function logRoutes({ file, format }: LogLocation): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/log',
      access: 'read',
      summary: 'Where the output of the workers is written.',
      answers: { 200: { description: 'The file and its format.', schema: where } },
      handle: () => ({ status: 200, json: { schema: 1, file, format } }),
    },
    {
      method: 'get',
      path: '/v1/logs',
      access: 'read',
      summary: 'The last lines that the workers wrote; with `follow` also those that come, as server-sent events.',
      parameters: [
        {
          name: 'lines',
          in: 'query',
          description: `How many of the past ones, 100 if not given, ${MOST_LINES} at most.`,
        },
        { name: 'slot', in: 'query', description: 'Only those of this slot.' },
        { name: 'follow', in: 'query', description: '`1`: a stream.' },
      ],
      answers: {
        200: { description: 'The lines, oldest first, or a stream that ends with the supervisor.', schema: records },
        503: { description: 'Too many clients listen already.' },
      },
      handle: async ({ query, openStream }) => {
        const lines = bounded(query('lines'), 100);
        const slot = query('slot');
        const filter = slot === undefined || !/^\d+$/.test(slot) ? {} : { slot: Number(slot) };
        const past = await lastRecords(file, lines, filter);
        if (query('follow') !== '1') return { status: 200, json: { schema: 1, records: past.records } };
        const abort = new AbortController();
        const stream = openStream(() => abort.abort());
        if (stream === null) {
          return failed(503, 'too-many-clients', 'Cannot follow the log: too many clients listen already.');
        }
        for (const record of past.records) stream.send({ data: record });
        void (async () => {
          for await (const record of follow(file, past.position, filter, abort.signal)) stream.send({ data: record });
        })().catch(() => stream.end());
        return { streaming: true };
      },
    },
  ];
}

function bounded(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Math.min(Number(text), MOST_LINES) : otherwise;
}
