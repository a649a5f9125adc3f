// The workers' log as part of the admin API: composition of logs/ and admin/. Runs in the primary; the file is read from the disk.

import * as v from 'valibot';
import { failed } from '../../admin/api/routes.ts';
import type { Route, RouteContext } from '../../admin/api/target.ts';
import { follow, lastRecords, type ReadLimits, type Where } from '../../logs/workers/read-log.ts';
import type { LogFormat } from '../../logs/workers/record.ts';

export interface LogLocation {
  file: string;
  format: LogFormat;
}

const MOST_LINES = 10_000;
/** Of an answer; a stream begins with less, because its reader may not have taken anything yet. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_STREAM_BYTES = 128 * 1024;
/** Of the file, for the lines of a slot that has written little. */
const MOST_READ_BYTES = 32 * 1024 * 1024;
/** The supervisor's loop has better things to do two thirds of the time. */
const REST = 2;

const where = v.strictObject({ schema: v.literal(1), file: v.string(), format: v.string() });
const records = v.strictObject({
  schema: v.literal(1),
  isCut: v.boolean(),
  records: v.array(v.looseObject({ line: v.string() })),
});

export function logRoutes({ file, format }: LogLocation): Route[] {
  const oneAtATime = queue();

  async function past({ query }: RouteContext, filter: Where, limits: ReadLimits) {
    return oneAtATime(() => lastRecords(file, bounded(query('lines'), 100), filter, { ...limits, rest: REST }));
  }

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
          description: `How many of the past ones, 100 if not given; at most ${MOST_LINES}, and ${MOST_BYTES} bytes.`,
        },
        { name: 'slot', in: 'query', description: 'Only those of this slot.' },
        { name: 'follow', in: 'query', description: '`1`: a stream.' },
      ],
      answers: {
        200: {
          description:
            'The lines, oldest first, or a stream that ends with the supervisor. `isCut`: there may be more.',
          schema: records,
        },
        503: { description: 'Too many clients listen already, or the supervisor ends.' },
      },
      handle: async (context) => {
        const slot = context.query('slot');
        const filter = slot === undefined || !/^\d+$/.test(slot) ? {} : { slot: Number(slot) };
        const signal = context.whileWanted();
        const isStream = context.query('follow') === '1';
        const limits = { maxBytes: isStream ? MOST_STREAM_BYTES : MOST_BYTES, maxReadBytes: MOST_READ_BYTES, signal };
        const known = await past(context, filter, limits).catch((error: unknown) => {
          if (signal.aborted) return null;
          throw error;
        });
        if (known === null) return failed(503, 'ending', 'Cannot read the log: the supervisor ends.');
        if (!isStream) return { status: 200, json: { schema: 1, isCut: known.isCut, records: known.records } };
        const stream = context.openStream(() => {});
        if (stream === null) {
          return failed(503, 'too-many-clients', 'Cannot follow the log: too many clients listen already.');
        }
        for (const record of known.records) stream.send({ data: record });
        void (async () => {
          for await (const record of follow(file, known.position, filter, signal, REST)) stream.send({ data: record });
        })().catch(() => stream.end());
        return { streaming: true };
      },
    },
  ];
}

function bounded(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Math.min(Number(text), MOST_LINES) : otherwise;
}

/** Does one piece of work after the other, in the order in which they came. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
