// The upgrade of the supervisor as part of the admin API: composition of admin/ and the hand-over. Runs in the primary.

import * as v from 'valibot';
import type { Route } from '../../admin/api/target.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import type { UpgradeWish } from '../takeover/handover.ts';

const wish = v.strictObject({
  node: v.optional(v.pipe(v.string(), v.minLength(1))),
  timeoutMs: v.optional(v.pipe(v.number(), v.minValue(1000))),
});

export function upgradeRoute(upgrade: (wish: UpgradeWish) => Promise<CommandResult>): Route {
  return {
    method: 'post',
    path: '/v1/upgrade',
    access: 'control',
    onlyBySocket: true,
    summary:
      'Has another process take the place of this supervisor: a newer tutti, another Node, other options of its own. Answers when it has, or why not. Only on the control socket.',
    body: wish,
    answers: {
      200: { description: 'What came of it.', schema: v.looseObject({}) },
      409: { description: 'There can be no upgrade now; the reason is told.' },
    },
    handle: async ({ body }) => {
      const result = await upgrade(v.parse(wish, body));
      return { status: result.outcome === 'refused' ? 409 : 200, json: { schema: 1, ...result } };
    },
  };
}
