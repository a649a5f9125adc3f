// Looks into this process while it serves, on demand: CPU profiles, hot stacks, heap snapshots. It uses an inspector session inside the
// process, so no port is opened, and loads the inspector only when asked. Runs in the worker; the primary asks in
// src/host/look/inspections.ts.
import { writeFileSync } from 'node:fs';
import type { Profiler, Session } from 'node:inspector';
import type { HotStack, InspectRequest, RequestInFlight } from '../../protocol/messages.ts';
import { post } from '../channel.ts';
import { guarded, later, unawaited } from '../guard.ts';
import { requestsInFlight } from '../report/requests.ts';

const SAMPLE_MICROS = 1000;
const HOT_STACKS = 5;
const DEEPEST = 12;

let isBusy = false;

export function answerInspection({ seq, request }: { seq: number; request: InspectRequest }): void {
  if (isBusy) {
    post({ cmd: 'NODE_TUTTI_INSPECTED', seq, error: 'another look into this worker is not finished' });
    return;
  }
  isBusy = true;
  const looked = inspect(request)
    .then(
      (result) => post({ cmd: 'NODE_TUTTI_INSPECTED', seq, ...result }),
      (error: unknown) => post({ cmd: 'NODE_TUTTI_INSPECTED', seq, error: String(error) }),
    )
    .finally(() => {
      isBusy = false;
    });
  unawaited('a look into the process', looked);
}

async function inspect(request: InspectRequest): Promise<{ stacks?: HotStack[]; requests?: RequestInFlight[] }> {
  if (request.type === 'heap') {
    // It stops the loop while it writes. The inspector has no other way either.
    const { writeHeapSnapshot } = await import('node:v8');
    writeFileSync(request.path, '', { mode: 0o600, flag: 'wx' });
    writeHeapSnapshot(request.path);
    return {};
  }
  const profile = await record(request.ms);
  if (request.type === 'profile') {
    writeFileSync(request.path, JSON.stringify(profile), { mode: 0o600, flag: 'wx' });
    return {};
  }
  return { stacks: hotStacks(profile), requests: requestsInFlight() };
}

async function record(ms: number): Promise<Profiler.Profile> {
  const inspector = await import('node:inspector');
  const session = new inspector.Session();
  session.connect();
  try {
    await ask(session, 'Profiler.enable');
    await ask(session, 'Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
    await ask(session, 'Profiler.start');
    await new Promise<void>(
      (resolve) =>
        void later(
          ms,
          guarded('a profile', () => resolve()),
        ),
    );
    const { profile } = (await ask(session, 'Profiler.stop')) as Profiler.StopReturnType;
    return profile;
  } finally {
    session.disconnect();
  }
}

function ask(session: Session, method: string, params: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, params, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** The stacks that took most time, without idle time. `share` is of the whole time. */
function hotStacks(profile: Profiler.Profile): HotStack[] {
  const parents = new Map<number, Profiler.ProfileNode>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  for (const node of profile.nodes) for (const id of node.children ?? []) parents.set(id, node);
  const micros = new Map<number, number>();
  profile.samples?.forEach((id, i) => {
    micros.set(id, (micros.get(id) ?? 0) + (profile.timeDeltas?.[i] ?? 0));
  });
  const total = profile.endTime - profile.startTime;
  /** The profile includes its own start and end, which would be all that an idle worker shows. */
  const isLookItself = (id: number): boolean => {
    for (let node = nodes.get(id); node !== undefined; node = parents.get(node.id)) {
      if (node.callFrame.functionName === record.name && node.callFrame.url.endsWith(__filename)) return true;
    }
    return false;
  };
  return [...micros]
    .filter(([id]) => !/^\((idle|program|root)\)$/.test(nodes.get(id)?.callFrame.functionName ?? ''))
    .filter(([id]) => !isLookItself(id))
    .sort((a, b) => b[1] - a[1])
    .slice(0, HOT_STACKS)
    .map(([id, spent]) => {
      const frames: HotStack['frames'] = [];
      for (let node = nodes.get(id); node !== undefined && frames.length < DEEPEST; node = parents.get(node.id)) {
        const { functionName, url, lineNumber, columnNumber } = node.callFrame;
        if (functionName === '(root)') break;
        frames.push({
          function: functionName || '(anonymous)',
          file: url,
          line: lineNumber + 1,
          column: columnNumber + 1,
        });
      }
      return { share: spent / Math.max(1, total), frames };
    });
}
