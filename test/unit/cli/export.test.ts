// Promise: tutti export says of an app what its folder, its configuration and the command line say, and refuses what it cannot say.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { exportFiles } from '../../../src/cli/export/export-files.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { TuttiError } from '../../../src/errors.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-export-')));
after(() => rmSync(base, { recursive: true }));
const dir = join(base, 'work');
beforeEach(() => {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  write('server.js', 'listen()');
});

function write(path: string, text: string): void {
  mkdirSync(join(dir, path, '..'), { recursive: true });
  writeFileSync(join(dir, path), text);
}

type Options = Readonly<Record<string, unknown>>;

async function run(to: string, options: Options = {}, words: string[] = ['server.js'], args: string[] = []) {
  let text = '';
  const write = (more: string | Uint8Array): void => {
    text += String(more);
  };
  const env = { TUTTI_HOME: join(base, 'home'), TUTTI_ALLOW_ROOT: 'true' };
  const terminal: Terminal = { argv: [], env, cwd: dir, stdout: { write }, stderr: { write: () => {} } };
  const code = await exportFiles({ to, words, args, options, terminal });
  assert.equal(code, 0);
  return text;
}

async function refusal(to: string, options: Options, words?: string[]): Promise<string> {
  try {
    await run(to, options, words);
  } catch (error) {
    assert.ok(error instanceof TuttiError, String(error));
    return `${error.message} ${error.remedy}`;
  }
  return assert.fail(`${to} took it: ${JSON.stringify(options)}`);
}

test('values that break their rules are named, all at once', async () => {
  for (const [to, options, pattern] of [
    ['compose', { cpus: '0' }, /--cpus must be .* got "0"/],
    ['compose', { cpus: '1e3' }, /--cpus must/],
    ['compose', { cpus: '0.0001' }, /--cpus must/],
    ['compose', { memory: '63M' }, /--memory must be .*64M at least/],
    ['compose', { memory: '' }, /--memory must/],
    ['compose', { port: '65536' }, /--port must/],
    ['compose', { port: '080x' }, /--port must/],
    ['swarm', { replicas: '0' }, /--replicas must be a whole number from 1 to 1000/],
    ['kubernetes', { replicas: '1.5', image: '-x' }, /--replicas must.*--image must/s],
    ['docker', { image: 'a\nRUN evil' }, /--image must/],
    ['nginx', { port: '0' }, /--port must be a port from 1 to 65535, got "0"/],
    ['nginx', { domain: 'a;b' }, /--domain must be a name/],
    ['nginx', { domain: 'a.*.b' }, /--domain must be a name/],
    ['nginx', { machine: ['10.0.0.1:3000'] }, /--machine must be .* without a port, got "10\.0\.0\.1:3000"/],
    ['nginx', { machine: ['a b', 'c{'] }, /got "a b".*got "c\{"/s],
    ['nginx', { sticky: 'cookie:a b' }, /--sticky must be ip, cookie, cookie:NAME, header:NAME for nginx/],
    ['nginx', { sticky: 'header:a.b' }, /--sticky must/],
    ['caddy', { sticky: 'cookie:sid' }, /--sticky must be ip, cookie, header:NAME for caddy/],
    ['traefik', { sticky: 'ip' }, /--sticky must be cookie for traefik/],
  ] as const) {
    assert.match(await refusal(to, options), pattern);
  }
});

test('what means nothing to a target is a mistake, and not left out in silence', async () => {
  for (const [to, options, flag] of [
    ['docker', { memory: '1G' }, '--memory'],
    ['compose', { replicas: '3' }, '--replicas'],
    ['swarm', { serviceMonitor: true }, '--service-monitor'],
    ['kubernetes', { sticky: 'ip' }, '--sticky'],
    ['nginx', { image: 'a' }, '--image'],
    ['caddy', { runAs: 'web' }, '--run-as'],
  ] as const) {
    assert.match(await refusal(to, options), new RegExp(`${flag} means nothing to ${to}\\.`));
  }
});

test('clients are kept with a worker only where a proxy can choose one', async () => {
  assert.match(
    await refusal('nginx', { sticky: 'ip' }),
    /--sticky means nothing to server, whose workers share one port/,
  );
  assert.match(await run('nginx', { sticky: 'header:X-U', balance: ['ports'] }), /map \$http_x_u /);
  assert.match(await run('nginx', { balance: ['ports'] }), /hash \$remote_addr/, 'by the address when nobody says');
  assert.match(await run('traefik', { balance: ['ports'] }), /sticky: \{ cookie:/, 'by what it knows');
});

test('machines are addresses, with brackets or without, or names', async () => {
  const text = await run('nginx', { machine: ['10.0.0.1', 'fd00::2', '[fd00::3]', 'app-3.internal'], port: '80' });
  const places = [...text.matchAll(/^ {4}server (\S+) max_fails=3/gm)].map(([, place]) => place);
  assert.deepEqual(places, ['10.0.0.1:80', '[fd00::2]:80', '[fd00::3]:80', 'app-3.internal:80']);
});

const several = (...names: string[]): string =>
  JSON.stringify({ apps: names.map((name) => ({ name, entry: 'server.js' })) });

test('two apps that would stand for one another are refused', async () => {
  for (const [one, other, called] of [
    ['my.app', 'my-app', 'my-app'],
    ['Web', 'web', 'web'],
    [`${'a'.repeat(50)}-1`, `${'a'.repeat(50)}-2`, 'a'.repeat(50)],
  ] as const) {
    write('tutti.config.json', several(one, other));
    assert.match(
      await refusal('compose', {}, []),
      new RegExp(`"${one}" and "${other}" would both be called ${called} `),
    );
  }
  write('tutti.config.json', several('my.app', 'my-app'));
  for (const to of ['nginx', 'caddy', 'traefik'])
    assert.match(await refusal(to, {}, []), /would both be called my_app/);
});

test('what belongs to one app is not given to all', async () => {
  write('tutti.config.json', several('web', 'api'));
  assert.match(await refusal('caddy', { domain: 'a.b' }, []), /--domain belongs to one app, and 2 are meant/);
  assert.match(await run('caddy', { domain: 'a.b' }, ['api']), /^a\.b \{$/m);
});

test('an image has the name of the app and the version of the package, if one may be called so', async () => {
  for (const [version, tag] of [
    ['1.4.0', '1.4.0'],
    ['1.4.0+build.7+x', '1.4.0-build.7-x'],
    ['1.0.0 beta', 'latest'],
    ['1\nRUN evil', 'latest'],
    ['', 'latest'],
    ['.5', 'latest'],
    ['1'.repeat(200), 'latest'],
    [5, 'latest'],
  ] as const) {
    write('package.json', JSON.stringify({ name: 'x', version }));
    const { services } = parse(await run('compose'));
    assert.equal(services.x.image, `x:${tag}`);
  }
  assert.equal(parse(await run('compose', { image: 'r.example:5000/a:1' })).services.x.image, 'r.example:5000/a:1');
});

test('what the command line says is in the file, and nothing secret', async () => {
  const text = await run(
    'kubernetes',
    {
      env: ['KEY=s3cret', 'PORT=8080', 'N=1', 'N=2'],
      drainTimeout: ['40s'],
      name: ['shop'],
      watch: true,
      replay: ['off'],
    },
    ['server.js'],
    ['--flag', 'a b'],
  );
  assert.doesNotMatch(text, /s3cret/);
  const pod = parse(text.split('\n---\n')[1] ?? '').spec.template.spec.containers[0];
  const env = Object.fromEntries(
    pod.env.map((one: { name: string; value?: string; valueFrom?: unknown }) => [one.name, one.value ?? one.valueFrom]),
  );
  assert.equal(env.TUTTI_NAME, 'shop');
  assert.equal(env.TUTTI_DRAIN_TIMEOUT, '40s');
  assert.equal(env.TUTTI_WATCH, 'on');
  assert.equal(env.TUTTI_REPLAY, 'off');
  assert.equal(env.PORT, '8080');
  assert.deepEqual(
    Object.keys(env).filter((name) => name === 'KEY' || name === 'N'),
    ['KEY', 'N'],
  );
  const docker = await run('docker', {}, ['server.js'], ['--flag', 'a b']);
  assert.match(docker, /^CMD \["server\.js","--","--flag","a b"\]$/m);
});

test('the arguments of a container begin in the folder of the image', async () => {
  write('src/main.js', '');
  write('conf/my.config.json', '{"entry":"../src/main.js","name":"web","envFile":["../web.vars"]}');
  write('web.vars', 'A=1');
  const text = await run('compose', { config: 'conf/my.config.json' }, []);
  const { web } = parse(text).services;
  assert.equal(web.volumes[1].source, './web.vars');
  assert.equal(web.volumes[1].target, '/app/web.vars');
  const docker = await run('docker', { config: 'conf/my.config.json' }, []);
  assert.match(docker, /^CMD \["--config","conf\/my\.config\.json"\]$/m);
  assert.match(docker, /web\.vars/, 'the file of variables is not in the image');
});

test('a list whose items have blanks cannot be a variable, and that is said', async () => {
  assert.match(
    await refusal('compose', { nodeArg: ['--title=a b'] }),
    /--node-args? cannot be a variable of a container/,
  );
});

const read = (name: string): string => readFileSync(join(dir, 'out', name), 'utf8');

test('files are written whole, and over nothing that is not ours', async () => {
  assert.match(await run('docker', { out: 'out' }), /Dockerfile: written, /);
  assert.match(await run('docker', { out: 'out' }), /Dockerfile: unchanged, .*\n.*\.dockerignore: unchanged, /);
  assert.match(await run('docker', { out: 'out', port: '81' }), /Dockerfile: written anew/);
  writeFileSync(join(dir, 'out/Dockerfile'), `${read('Dockerfile')}# mine\n`);
  assert.match(await refusal('docker', { out: 'out' }), /Dockerfile/);
  assert.match(read('Dockerfile'), /# mine/);
  await run('docker', { out: 'out', force: true });
  assert.doesNotMatch(read('Dockerfile'), /# mine/);
  assert.deepEqual(readdirSync(join(dir, 'out')).sort(), ['.dockerignore', 'Dockerfile'], 'and nothing beside them');
});

test('a folder that cannot be written to is said, and nothing of the files is there', async () => {
  write('file', '');
  for (const [out, pattern] of [
    ['', /its name is empty/],
    ['file', /it is not a folder/],
    ['file/below', /it is not a folder/],
  ] as const) {
    assert.match(await refusal('compose', { out }), pattern);
  }
  mkdirSync(join(dir, 'out/compose.yaml'), { recursive: true });
  assert.match(await refusal('compose', { out: 'out', force: true }), /it is a folder/);
  assert.equal(existsSync(join(dir, 'out/swarm.yaml')), false);
});

test('with --json what is made, or was done, can be read by a program', async () => {
  const made = JSON.parse(await run('docker', { json: true }));
  assert.equal(made.schema, 1);
  assert.deepEqual(
    made.files.map(({ path }: { path: string }) => path),
    ['Dockerfile', '.dockerignore'],
  );
  const done = JSON.parse(await run('docker', { json: true, out: 'out' }));
  assert.deepEqual(
    done.files.map(({ what }: { what: string }) => what),
    ['written', 'written'],
  );
});
