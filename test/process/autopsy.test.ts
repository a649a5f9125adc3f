// The look into a process whose loop stands still, with plain node processes.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { autopsy, type InspectorAddress } from '../../src/host/look/autopsy.ts';
import { InspectorEar } from '../../src/host/look/inspector-ear.ts';

interface Started {
  process: ChildProcess;
  pid: number;
  inspector: InspectorAddress;
  /** What it wrote to stderr but for what Node says of its inspector. */
  stderr: () => string;
}

async function start(t: TestContext, name: string, text: string, nodeArgs: string[] = []): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-autopsy-'));
  const file = join(folder, name);
  writeFileSync(file, text);
  const own = ['--inspect-port=0', '--inspect-publish-uid=stderr'];
  const started = spawn(process.execPath, [...own, ...nodeArgs, file], { stdio: 'pipe' });
  let ear: InspectorEar | null = null;
  let stderr = '';
  started.stderr.on('data', (chunk: Buffer) => {
    stderr += ear?.take(chunk) ?? chunk;
  });
  t.after(async () => {
    started.stdin?.destroy(); // ends what reads from it too
    if (started.exitCode === null && started.signalCode === null) {
      const ended = once(started, 'exit');
      started.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  await once(started.stdout as NodeJS.ReadableStream, 'data');
  return {
    process: started,
    pid: started.pid as number,
    stderr: () => stderr,
    inspector: (signal) => {
      ear = new InspectorEar(signal);
      return Promise.resolve({ url: ear.url });
    },
  };
}

/** What is asked for here is the answer, however late: the process shares two cores with other tests. */
const PATIENT_MS = 30_000;

const SPIN = `
process[Symbol.for('tutti.requests')] = () => [{ method: 'GET', path: '/slow', ageMs: 5 }];
function hotLoop() {
  for (let i = 0; ; i++) if (i < 0) return;
}
function handler() { hotLoop(); }
setImmediate(() => { require('node:fs').writeSync(1, 'spinning'); handler(); });
`;

test('autopsy() names the function that spins, its file and line, and the requests in flight', async (t) => {
  const { pid, inspector, stderr } = await start(t, 'spin.cjs', SPIN);
  const { doing, stack, why, requests } = await autopsy(pid, { timeoutMs: PATIENT_MS, inspector, forbidden: null });
  assert.equal(why, null);
  assert.equal(doing, 'spinning');
  assert.deepEqual(
    stack?.slice(0, 2).map((frame) => frame.function),
    ['hotLoop', 'handler'],
  );
  assert.match(stack?.[0]?.file ?? '', /spin\.cjs$/);
  assert.ok([3, 4].includes(stack?.[0]?.line ?? 0), `line ${stack?.[0]?.line}`);
  assert.deepEqual(requests, [{ method: 'GET', path: '/slow', ageMs: 5 }]);
  assert.equal(stderr(), '', 'nothing of the inspector is left in its output');
});

/** Another user of the machine asks the inspector at this port for what it tells, and tries to attach without its address. */
const STRANGER = `
const { get, request } = require('node:http');
const where = { port: Number(process.argv[1]), host: '127.0.0.1', agent: false };
const ask = (path) => new Promise((done) => get({ ...where, path }, (response) => {
  let body = '';
  response.on('data', (chunk) => { body += chunk; }).on('error', done).on('end', () => done(body));
}).on('error', (error) => done(error.code)));
const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
const attach = (path) => new Promise((done) => request({ ...where, path, headers })
  .on('upgrade', (_response, socket) => { socket.destroy(); done('attached'); })
  .on('response', (response) => { response.resume(); done(response.statusCode); })
  .on('error', () => done('closed')).end());
(async () => {
  const told = await Promise.all(['/json/list', '/json', '/json/version', '/'].map(ask));
  const tried = await Promise.all(['/', '/00000000-0000-4000-8000-000000000000', '/ws'].map(attach));
  process.stdout.write(JSON.stringify({ uid: process.getuid(), told, tried }));
})();
`;

test('the door of autopsy() opens to nobody who has not read the stderr', async (t) => {
  const { pid, inspector, stderr } = await start(t, 'spin.cjs', SPIN);
  let address = '';
  const { why } = await autopsy(pid, {
    timeoutMs: PATIENT_MS,
    forbidden: null,
    inspector: async (signal) => {
      const { url } = await inspector(signal);
      url.then((found) => {
        address = found;
      });
      return { url };
    },
  });
  assert.equal(why, null);
  // The program goes on, and its inspector with it: what tutti would kill now stands open for as long as the stranger needs.
  const command = [process.execPath, '-e', STRANGER, new URL(address).port];
  const asAnother = process.getuid?.() === 0 ? ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups'] : [];
  const [program = '', ...args] = [...asAnother, ...command];
  const found = JSON.parse(execFileSync(program, args, { encoding: 'utf8', timeout: 30_000, cwd: '/' }));
  if (asAnother.length > 0) assert.equal(found.uid, 12_345);
  assert.deepEqual(
    found.told.filter((text: string) => /devtools|webSocket|ws:/i.test(text)),
    [],
  );
  assert.equal(found.tried.includes('attached'), false, JSON.stringify(found));
  assert.equal(stderr(), '');
});

test('autopsy() gives positions in the TypeScript source', async (t) => {
  const source = `import { writeSync } from 'node:fs';
interface Padding {
  a: string;
  b: number;
}
enum Kind { A, B }
function spinsForEver(padding: Padding | Kind): never {
  for (;;) if (Number(padding) === 17) throw new Error();
}
setImmediate(() => { writeSync(1, 'x'); spinsForEver({ a: '', b: 1 }); });
`;
  const { pid, inspector } = await start(t, 'spin.mts', source, ['--import', import.meta.resolve('tsx')]);
  const { stack, why } = await autopsy(pid, { timeoutMs: PATIENT_MS, inspector, forbidden: null });
  assert.equal(why, null);
  assert.equal(stack?.[0]?.function, 'spinsForEver');
  assert.match(stack?.[0]?.file ?? '', /spin\.mts$/);
  assert.ok([7, 8].includes(stack?.[0]?.line ?? 0), `line ${stack?.[0]?.line}`);
});

test('autopsy() of a process that waits in one place tells so, in time', async (t) => {
  const { pid, inspector } = await start(
    t,
    'wait.cjs',
    `setImmediate(() => { require('node:fs').writeSync(1, 'x'); require('node:child_process').execFileSync('cat', { stdio: 'inherit' }); });`,
  );
  const { doing, stack, why } = await autopsy(pid, { timeoutMs: 1000, inspector, forbidden: null });
  assert.equal(doing, 'waiting');
  assert.equal(stack, null);
  assert.match(why ?? '', /no answer within 1000 ms/);
});

test('autopsy() opens no inspector where that is forbidden, nor in a stopped process', async (t) => {
  const { process: running, pid, inspector } = await start(t, 'spin.cjs', SPIN);
  const refused = await autopsy(pid, { timeoutMs: 1000, inspector, forbidden: 'the application handles SIGUSR1' });
  assert.deepEqual([refused.doing, refused.stack, refused.why], ['spinning', null, 'the application handles SIGUSR1']);
  running.kill('SIGSTOP');
  const stopped = await autopsy(pid, { timeoutMs: 1000, inspector, forbidden: null });
  assert.equal(stopped.doing, 'stopped');
  assert.match(stopped.why ?? '', /stopped by a signal/);
});
