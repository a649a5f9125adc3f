// Looks into living workers as part of the admin API: composition of host/ and admin/. Runs in the primary.

import { createReadStream, rmSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';
import { failed } from '../../admin/api/routes.ts';
import type { Route, RouteAnswer } from '../../admin/api/target.ts';
import type { Inspection, InspectionWish } from '../../host/look/inspections.ts';

export type Inspect = (slot: number, wish: InspectionWish) => Promise<Inspection>;

const slot = v.pipe(v.number(), v.integer(), v.minValue(0));
const seconds = v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(300)), 10);
const timed = v.strictObject({ slot, seconds });
const untimed = v.strictObject({ slot });

const notTaken = { 409: { description: 'No such worker, or it gave no answer; the reason is told.' } };

export function inspectRoutes(inspect: Inspect): Route[] {
  return [
    {
      method: 'post',
      path: '/v1/profile',
      access: 'control',
      summary: 'A CPU profile (.cpuprofile) of a worker while it serves.',
      body: timed,
      answers: { 200: { description: 'The profile.', contentType: 'application/json' }, ...notTaken },
      handle: async ({ body }) => {
        const wish = v.parse(timed, body);
        const answer = await inspect(wish.slot, { type: 'profile', ms: wish.seconds * 1000 });
        if (!answer.ok || !('path' in answer)) return refused(answer);
        try {
          const profile = new Uint8Array(await buffer(createReadStream(answer.path)));
          return { status: 200, contentType: 'application/json', body: profile };
        } finally {
          rmSync(answer.path, { force: true });
        }
      },
    },
    {
      method: 'post',
      path: '/v1/stack',
      access: 'control',
      summary: 'Where a worker spends its time, and the requests it is serving.',
      body: timed,
      answers: {
        200: { description: 'The hottest stacks, sampled for some time.', schema: v.looseObject({}) },
        ...notTaken,
      },
      handle: async ({ body }) => {
        const wish = v.parse(timed, body);
        const answer = await inspect(wish.slot, { type: 'stack', ms: wish.seconds * 1000 });
        if (!answer.ok || !('stacks' in answer)) return refused(answer);
        return { status: 200, json: { schema: 1, stacks: answer.stacks, requests: answer.requests } };
      },
    },
    {
      method: 'post',
      path: '/v1/heap',
      access: 'control',
      summary:
        "A heap snapshot of a worker, which stands still while it is written. Answers where, on the supervisor's machine.",
      body: untimed,
      answers: { 200: { description: 'The file.', schema: v.looseObject({ path: v.string() }) }, ...notTaken },
      handle: async ({ body }) => {
        const answer = await inspect(v.parse(untimed, body).slot, { type: 'heap' });
        if (!answer.ok || !('path' in answer)) return refused(answer);
        return { status: 200, json: { schema: 1, path: answer.path } };
      },
    },
  ];
}

function refused(answer: Inspection): RouteAnswer {
  const reason = answer.ok ? 'it gave another answer than was asked for' : answer.reason;
  return failed(409, 'not-inspected', `Cannot look into this worker: ${reason}.`);
}
