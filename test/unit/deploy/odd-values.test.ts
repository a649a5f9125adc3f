// Promise: whatever stands in a value, a path or a name, the files for containers say it and nothing else, in the eyes of who reads them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { composeFile, swarmFile } from '../../../src/deploy/container/compose.ts';
import type { Container, ContainerRequest } from '../../../src/deploy/container/container.ts';
import { dockerFiles, imageEnvironment, type Package } from '../../../src/deploy/container/dockerfile.ts';
import { kubernetesFile } from '../../../src/deploy/container/kubernetes.ts';
import { forEnv, forIgnore, forShell, quoted, yaml, yamlList } from '../../../src/deploy/container/quote.ts';
import { container, packages } from './given.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there.
type Document = any;

const odd = [
  '',
  ' ',
  '#',
  'a: b',
  'a #b',
  '- a',
  '"',
  "it's",
  '\\',
  'back\\slash\\',
  '\x24{HOME}',
  '$(HOME)',
  '$$',
  '{ a: 1 }',
  '[1',
  '*alias',
  '&anchor',
  '!tag',
  '%x',
  '@x',
  '`x`',
  '>-',
  '|',
  '?',
  '42',
  '0x1f',
  '1e3',
  '12:30:45',
  '2026-11-29',
  'null',
  '~',
  'Yes',
  'n',
  'OFF',
  'true',
  '.inf',
  '.NaN',
  'tab\there',
  'two\nlines',
  'cr\rhere',
  'nul\x00',
  'del\x7f',
  'nel\x85here',
  'line\u2028here',
  'bom\ufeffhere',
  'ünï→🎼',
];

for (const version of ['1.1', '1.2'] as const) {
  test(`text is the same text in YAML ${version}, as a value, as a key and in a list`, () => {
    for (const text of odd) {
      const label = JSON.stringify(text);
      assert.equal(parse(`a: ${yaml(text)}`, { version }).a, text, label);
      assert.equal(parse(`a: ${quoted(text)}`, { version }).a, text, label);
      assert.deepEqual(Object.keys(parse(`{ ${yaml(text)}: 1 }`, { version })), [text], label);
    }
    assert.deepEqual(parse(yamlList(odd), { version }), odd);
  });
}

test('no sign is left that a reader of YAML refuses, or takes for a line break', () => {
  // The parser of the test lets these through; those of Go do not.
  for (const text of odd) assert.match(quoted(text), /^[\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\ufffd]*$/);
});

test('what needs no quotes has none, so that a file stays readable', () => {
  for (const text of ['web', 'registry.example/web', '/run/web.sock', 'localhost:5000/a-b', 'web:1.4']) {
    assert.equal(yaml(text), text);
  }
});

/** What /bin/sh, with the $'…' of bash, makes of a word. */
function unquoted(word: string): string {
  return word.replace(/\$'(\\[nr])'|'([^']*)'|\\(.)/g, (_, ansi?: string, single?: string, escaped?: string) =>
    ansi === undefined ? (single ?? escaped ?? '') : ansi === '\\n' ? '\n' : '\r',
  );
}

test('a command in a comment is one line, and its words are what is meant', () => {
  for (const text of odd.filter((each) => each !== '')) {
    const word = forShell(text);
    assert.doesNotMatch(word, /[\n\r]/);
    assert.equal(unquoted(word), text);
  }
  assert.equal(forShell('conf/.env'), 'conf/.env');
});

/** What Docker makes of the value of an ENV without variables. */
function readEnv(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(["\\$])/g, '$1') : value;
}

test('a variable of a Dockerfile is the value, and no variable of the build', () => {
  for (const text of odd) {
    const value = forEnv(text);
    assert.equal(readEnv(value), text);
    assert.doesNotMatch(value, /(?<!\\)(\\\\)*\$/, 'a $ that would be replaced');
    assert.ok(value !== '', 'an empty word would be none');
  }
});

test('a path in .dockerignore is that path: no comment, no exception, no pattern', () => {
  for (const [path, line] of [
    ['conf/prod.vars', 'conf/prod.vars'],
    ['#vars', '\\#vars'],
    ['!vars', '\\!vars'],
    ['a*b?', 'a\\*b\\?'],
    ['[env]', '\\[env\\]'],
    ['back\\slash', 'back\\\\slash'],
  ] as const) {
    assert.equal(forIgnore(path), line);
    const files = dockerFiles(container({}, { envFiles: [path] }), packages);
    assert.ok(files[1]?.text.split('\n').includes(line), path);
  }
});

test('files of variables that .dockerignore names anyway, or that lie outside, are not named again', () => {
  const envFiles = ['.env', 'conf/.env.production', '/etc/web.vars', 'my.vars'];
  const ignored = (of: Container): string[] => (dockerFiles(of, packages)[1]?.text ?? '').split('\n');
  const more = ignored(container({}, { envFiles })).filter((line) => !ignored(container()).includes(line));
  assert.deepEqual(more.slice(1), ['my.vars'], 'the first is the line with the checksum');
});

const compose = (of: Container): Document => parse(composeFile([of]).text, { uniqueKeys: true }).services.web;
const swarm = (of: Container): Document => parse(swarmFile([of]).text, { uniqueKeys: true });

function pod(of: Container): Document {
  const all = parseAllDocuments(kubernetesFile([of], { serviceMonitor: true }).text, { version: '1.1' });
  for (const { errors } of all) assert.deepEqual(errors, []);
  const found = all.map((one) => one.toJS()).find((one) => one?.kind === 'Deployment');
  return found.spec.template.spec;
}

const asked = (more: Partial<ContainerRequest>): Container => container({}, more);

/** As Compose does before it reads a value. */
const interpolated = (text: string): string => text.replace(/\$(\$?)/g, (_, second) => second || '(a variable)');

test('each odd value of an option comes to the app as it is', () => {
  for (const text of odd) {
    const of = asked({ options: { TUTTI_PROBE: text }, args: ['server.js', text], isOneOfSeveral: true });
    assert.equal(interpolated(compose(of).environment.TUTTI_PROBE), text);
    assert.equal(interpolated(swarm(of).services.web.command[1]), text);
    const [main] = pod(of).containers;
    const probe = main.env.find(({ name }: Document) => name === 'TUTTI_PROBE');
    const expanded = (value: string): string => value.replaceAll('$$(', '$(');
    assert.equal(expanded(probe.value), text);
    assert.equal(expanded(main.args[1]), text);
    const lines = (dockerFiles(of, packages)[0]?.text ?? '').split('\n');
    assert.deepEqual(JSON.parse(lines.find((line) => line.startsWith('CMD '))?.slice(4) ?? ''), ['server.js', text]);
  }
});

test('a variable may be called N, Y or null, and be named twice', () => {
  const of = asked({ secrets: ['N', 'Y', 'NULL', 'ON', 'KEY', 'KEY'] });
  const names = ['N', 'Y', 'NULL', 'ON', 'KEY'];
  for (const version of ['1.1', '1.2'] as const) {
    const { environment } = parse(composeFile([of]).text, { version, uniqueKeys: true }).services.web;
    assert.deepEqual(Object.keys(environment), names);
  }
  const env = pod(of).containers[0].env.filter(({ valueFrom }: Document) => valueFrom?.secretKeyRef.key !== 'token');
  assert.deepEqual(
    env.slice(2).map(({ name, valueFrom }: Document) => [name, valueFrom.secretKeyRef.key]),
    names.map((name) => [name, name]),
  );
});

test('files of variables are found under their paths, however they are called', () => {
  const envFiles = ['a b.vars', '$HOME.vars', "it's.vars", 'two\nlines', '#x: y'];
  const of = asked({ envFiles });
  const binds = compose(of).volumes.slice(1);
  assert.deepEqual(
    binds.map(({ source }: Document) => interpolated(source)),
    envFiles.map((path) => `./${path}`),
  );
  assert.deepEqual(
    binds.map(({ target }: Document) => interpolated(target)),
    envFiles.map((path) => `/app/${path}`),
  );
  const secrets = swarm(of).services.web.secrets;
  assert.deepEqual(
    secrets.map(({ target }: Document) => interpolated(target)),
    envFiles.map((path) => `/app/${path}`),
  );
  assert.deepEqual(
    secrets.map(({ source }: Document) => source),
    Object.keys(swarm(of).secrets),
  );
  const mounts = pod(of).containers[0].volumeMounts.slice(1);
  assert.deepEqual(
    mounts.map(({ mountPath }: Document) => mountPath),
    envFiles.map((path) => `/app/${path}`),
  );
});

test('each file has a key of its own that a Secret takes', () => {
  const envFiles = ['.env', 'conf/.env', 'a b', 'a:b', 'token', 'KEY', '..hidden', '.env'];
  const of = asked({ envFiles, secrets: ['KEY'] });
  const keys = pod(of)
    .containers[0].volumeMounts.slice(1)
    .map(({ subPath }: Document) => subPath);
  assert.deepEqual(keys, ['.env', '.env-2', 'a-b', 'a-b-2', 'token-2', 'KEY-2', '.hidden']);
  const command = kubernetesFile([of], { serviceMonitor: true }).text.split('\n')[2] ?? '';
  for (const [at, key] of keys.entries())
    assert.ok(command.includes(`--from-file=${key}=${forShell(envFiles[at] ?? '')}`));
});

test('every comment is a comment: what stands in a file of the folder adds no line', () => {
  const evil = 'x\nprivileged: true\nRUN rm';
  const of = asked({ envFiles: [evil] });
  const texts = [composeFile([of]), swarmFile([of]), kubernetesFile([of], { serviceMonitor: false })];
  for (const { text } of texts) assert.doesNotMatch(text, /^(privileged|RUN)/m);
});

test('the address of tutti in a container is one that its own check reaches', () => {
  for (const [admin, port, said] of [
    [null, 9400, undefined],
    ['9500', 9500, '9500'],
    ['0.0.0.0:9500', 9500, '0.0.0.0:9500'],
    ['[::]:9500', 9500, '[::]:9500'],
    ['10.0.0.5:9500', 9500, undefined],
    ['0', 9400, undefined],
  ] as const) {
    const options: Record<string, string> = admin === null ? {} : { TUTTI_ADMIN: admin };
    const of = container({ admin }, { options });
    assert.equal(of.adminPort, port, `${admin}`);
    assert.equal(of.options.TUTTI_ADMIN, said, `${admin}`);
    assert.equal(imageEnvironment(of).TUTTI_ADMIN, said ?? `127.0.0.1:${port}`);
    assert.match(compose(of).healthcheck.test[3], new RegExp(`127\\.0\\.0\\.1:${port}/`));
  }
});

test('tutti does not take a port of the application', () => {
  for (const [port, workers, balance, expected] of [
    [3000, 4, 'ports', 9400],
    [9400, 1, 'kernel', 9401],
    [9398, 4, 'ports', 9402],
    [9396, 4, 'ports', 9400],
  ] as const) {
    assert.equal(container({ workers, balance }, { port }).adminPort, expected);
  }
  assert.equal(container({ workers: 4, balance: 'ports' }, { port: 65_534 }).ports, 2, 'there are no others');
});

test('a port that no application can listen on is not taken from PORT', () => {
  for (const [PORT, expected] of [
    ['8080', 8080],
    ['0', 3000],
    ['65536', 3000],
    ['/run/web.sock', 3000],
    ['', 3000],
  ] as const) {
    assert.equal(container({ env: { PORT } }).port, expected, PORT);
  }
});

test('what the package manager needs is there before it runs, and the sources once', () => {
  const lines = (its: Partial<Package>): string[] =>
    (dockerFiles(container(), { ...packages, ...its })[0]?.text ?? '')
      .split('\n')
      .filter((line) => /^(COPY|RUN|FROM)/.test(line));
  assert.deepEqual(lines({ needsSources: true, manager: 'yarn', hasBuild: true }), [
    'FROM \x24{NODE_IMAGE} AS build',
    'COPY . .',
    'RUN yarn install --frozen-lockfile',
    'RUN yarn run build && yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline',
    'FROM \x24{NODE_IMAGE}',
    'COPY --from=build /app .',
  ]);
  assert.deepEqual(lines({ manager: 'yarn-berry', manifests: ['package.json', 'yarn.lock', '.yarnrc.yml'] }), [
    'FROM \x24{NODE_IMAGE} AS build',
    'RUN npm install --global --force corepack && corepack enable',
    'COPY package.json yarn.lock .yarnrc.yml ./',
    'RUN yarn workspaces focus --all --production',
    'COPY . .',
    'FROM \x24{NODE_IMAGE}',
    'COPY --from=build /app .',
  ]);
  const bare = lines({ manager: null, hasTutti: false, hasBuild: true });
  assert.deepEqual(bare, ['FROM \x24{NODE_IMAGE}', 'RUN npm install --global tutti@1.0.0', 'COPY . .']);
});

test('apps side by side are published on ports of their own, and listen where they are told to', () => {
  const apps = [
    container({ name: 'a' }),
    container({ name: 'b' }),
    container({ name: 'c', balance: 'ports', workers: 3 }, { port: 3000 }),
    container({ name: 'd' }, { port: 3003 }),
    container({ name: 'e' }, { port: 65_535 }),
    container({ name: 'f' }, { port: 3010 }),
    container({ name: 'g', balance: 'ports', workers: 3 }, { port: 3008 }),
  ];
  const { services } = parse(composeFile(apps).text);
  assert.deepEqual(
    Object.values<Document>(services).map(({ ports }) => ports),
    [
      ['3000:3000'],
      ['3001:3000'],
      ['3002-3004:3000-3002'],
      ['3005:3003'],
      ['65535:65535'],
      ['3010:3010'],
      ['3011-3013:3008-3010'],
    ],
  );
  const swarmed = parse(swarmFile([apps[0], apps[1], apps[3]].filter((one) => one !== undefined)).text).services;
  assert.deepEqual(
    Object.values<Document>(swarmed).map(({ ports: [{ target, published }] }) => [target, published]),
    [
      [3000, 3000],
      [3000, 3001],
      [3003, 3003],
    ],
  );
});
