// Promise: what tutti writes itself is no change of the app, and a change of the code becomes live whatever else changes meanwhile.

import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { binPath, type Rig, startRig } from '../support/rig.ts';

function folder(t: TestContext, files: Record<string, string>): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'watched-')));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

function run(dir: string, config: object, env: Record<string, string> = {}): Promise<Rig> {
  writeFileSync(join(dir, 'tutti.config.json'), JSON.stringify({ name: 'web', workers: 1, canaryTime: 0, ...config }));
  return startRig({ fixture: 'hello.cjs', command: [binPath, 'run', '--json'], cwd: dir, flags: { workers: 1 }, env });
}

const server = (answer: string): string => `
  const answer = ${answer};
  console.log('up');
  setInterval(() => console.log('a line'), 50);
  require('node:http').createServer((_request, response) => response.end(answer)).listen(process.env.PORT);
`;

test('the log and the trace below a watched folder start no reload, with all that rotation makes of a log', async (t) => {
  const dir = folder(t, { 'src/app.js': server(`require('./part.js')`), 'src/part.js': `module.exports = 'one'` });
  const config = { entry: './src/app.js', watch: ['.'], logFile: './logs/out.log', logMaxSize: 300, logKeep: 2 };
  await using rig = await run(dir, config, { TUTTI_TRACE: 'core.ndjson' });
  const isLive = async (): Promise<boolean> => (await rig.fetch()).body.toString() === 'two';
  // The log has rotated more than once by then.
  await eventually('the second rotation', () => readFileSync(join(dir, 'logs/out.log.2.gz')));
  let tries = 0;
  await eventually('the changed code is live', async () => {
    if (tries++ % 100 === 0) writeFileSync(join(dir, 'src/part.js'), `module.exports = 'two' // ${tries}`);
    return isLive();
  });
  const changes = rig.events
    .all('notice')
    .map(({ message }) => String(message))
    .filter((message) => message.endsWith('changed: reload'));
  assert.deepEqual([...new Set(changes)], ['src/part.js changed: reload']);
});

test('a program that writes below the watched folder when it starts cannot keep new code from becoming live', async (t) => {
  const app = `require('node:fs').writeFileSync(__dirname + '/stamp', String(Date.now())); ${server(`require('./part.js')`)}`;
  const dir = folder(t, { 'app.js': app, 'part.js': `module.exports = 'one'` });
  await using rig = await run(dir, { entry: './app.js', watch: ['.'], canaryTime: '1s' });
  let tries = 0;
  await eventually('the changed code is live', async () => {
    if (tries++ % 100 === 0) writeFileSync(join(dir, 'part.js'), `module.exports = 'two' // ${tries}`);
    return (await rig.fetch()).body.toString() === 'two';
  });
});

test('a link to the release that is turned to another one starts a reload', async (t) => {
  const dir = folder(t, { 'releases/1/app.js': server(`'one'`), 'releases/2/app.js': server(`'two'`) });
  symlinkSync('releases/1', join(dir, 'current'));
  await using rig = await run(dir, { entry: './current/app.js', watch: true });
  symlinkSync('releases/2', join(dir, 'fresh'));
  renameSync(join(dir, 'fresh'), join(dir, 'current'));
  await eventually('the second release is live', async () => (await rig.fetch()).body.toString() === 'two');
});
