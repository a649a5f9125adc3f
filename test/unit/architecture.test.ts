// Holds the map of the rooms: who may import whom, and what the pure core may not touch. docs/architecture.md explains it.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errors } from '../../src/errors.ts';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

type Reach = 'all' | 'types';

/** Room → the rooms it may import. `types`: only with `import type`. */
const mayImport: Record<string, Record<string, Reach>> = {
  bin: { cli: 'all' },
  index: { app: 'all', config: 'all', errors: 'all', supervisor: 'types' },
  app: {
    config: 'all',
    supervisor: 'all',
    host: 'all',
    protocol: 'all',
    admin: 'all',
    metrics: 'all',
    logs: 'all',
    dashboard: 'all',
    errors: 'all',
    files: 'all',
    version: 'all',
  },
  cli: {
    config: 'all',
    admin: 'all',
    logs: 'all',
    dashboard: 'all',
    app: 'all',
    lambda: 'all',
    deploy: 'all',
    errors: 'all',
    files: 'all',
    version: 'all',
    supervisor: 'types',
    protocol: 'all',
  },
  config: { protocol: 'all', errors: 'all', files: 'all' },
  deploy: { config: 'types', errors: 'all' },
  supervisor: { protocol: 'all', config: 'types', errors: 'all' },
  host: { supervisor: 'types', protocol: 'all', errors: 'all', files: 'all' },
  admin: { supervisor: 'types', protocol: 'all', metrics: 'all', errors: 'all', files: 'all', version: 'all' },
  metrics: { supervisor: 'types', protocol: 'all' },
  logs: { supervisor: 'types', protocol: 'all', errors: 'all', files: 'all' },
  lambda: { supervisor: 'types', errors: 'all' },
  worker: { protocol: 'all' },
  protocol: {},
  files: { errors: 'all' },
  errors: {},
  version: {},
  dashboard: {},
};

interface Source {
  path: string;
  room: string;
  text: string;
}

interface Import {
  from: string;
  typesOnly: boolean;
}

const sources: Source[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.startsWith(join('dashboard', 'page')))
  .map((path) => ({ path, room: roomOf(path), text: readFileSync(join(root, path), 'utf8') }));

function roomOf(path: string): string {
  const [first = ''] = path.split(/[/\\]/);
  return first.replace(/\.ts$/, '');
}

function importsOf({ text }: Source): Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^;'"]*?\sfrom\s+)?'([^']+)'/gm);
  const dynamic = text.matchAll(/\bimport\('([^']+)'\)|\brequire\('([^']+)'\)/g);
  return [
    ...[...statements].map(([, type, from = '']) => ({ from, typesOnly: type !== undefined })),
    ...[...dynamic].map(([, a, b]) => ({ from: a ?? b ?? '', typesOnly: false })),
  ];
}

test('there are sources, and every one is in a room of the table', () => {
  assert.ok(sources.length > 30);
  const strangers = sources.filter(({ room }) => mayImport[room] === undefined).map(({ path }) => path);
  assert.deepEqual(strangers, []);
});

test('rooms import only what the table allows', () => {
  const wrong = sources.flatMap((source) =>
    importsOf(source)
      .filter(({ from }) => from.startsWith('.'))
      .filter(({ from, typesOnly }) => {
        const target = roomOf(relative(root, join(root, dirname(source.path), from)));
        const reach = target === source.room ? 'all' : mayImport[source.room]?.[target];
        return reach === undefined || (reach === 'types' && !typesOnly);
      })
      .map(({ from, typesOnly }) => `${source.path} imports ${typesOnly ? 'types of ' : ''}${from}`),
  );
  assert.deepEqual(wrong, []);
});

test('the core touches no clock, process, socket, file or package', () => {
  const wrong = sources
    .filter(({ room }) => room === 'supervisor')
    .flatMap((source) => [
      ...importsOf(source)
        .filter(({ from }) => !from.startsWith('.'))
        .map(({ from }) => `${source.path} imports ${from}`),
      ...[
        ...code(source).matchAll(
          /\b(setTimeout|setInterval|setImmediate|Date\.now|new Date\(\)|Math\.random|(?<![.\w])process\.\w)/g,
        ),
      ].map(([word]) => `${source.path} uses ${word}`),
    ]);
  assert.deepEqual(wrong, []);
});

test('the preload brings no package into the process of the user', () => {
  const wrong = sources
    .filter(({ room }) => room === 'worker' || room === 'protocol')
    .flatMap((source) => importsOf(source).map(({ from }) => ({ path: source.path, from })))
    .filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:'))
    .map(({ path, from }) => `${path} imports ${from}`);
  assert.deepEqual(wrong, []);
});

/** Parts of the preload that may register something by themselves, and why. */
const beforeTheGuard: Record<string, RegExp> = {
  // It is the guard.
  'guard.ts': /.*/,
  // It puts listeners of Node's own back.
  'signals.ts': /^on$/,
};

test('the preload registers nothing but through its guard', () => {
  const bare =
    /(?<![.\w#])(setTimeout|setInterval|setImmediate|queueMicrotask)\b|\bprocess\.(nextTick)\b|\.(on|once|addListener|prependListener|prependOnceListener)\(|(node:diagnostics_channel)/g;
  const wrong = sources
    .filter(({ room }) => room === 'worker')
    .flatMap((source) => {
      const allowed = beforeTheGuard[source.path.slice('worker/'.length)];
      const found = [...code(source).matchAll(bare)].flatMap((match) => match.slice(1).filter((word) => word));
      const imported = importsOf(source).some(({ from }) => /^node:(diagnostics_channel|timers)/.test(from))
        ? ['import']
        : [];
      return [...found, ...imported]
        .filter((word) => !allowed?.test(word))
        .map((word) => `${source.path} uses ${word}: what is called later goes through guard.ts`);
    });
  assert.deepEqual(wrong, []);
});

test('the preload has its process and its files as they were before the application', () => {
  const wrong = sources
    .filter(({ room, path }) => room === 'worker' && !/preload|own-process/.test(path))
    .flatMap((source) => [
      ...(/(?<![.\w'])process\.\w/.test(code(source)) &&
      !importsOf(source).some(({ from }) => from.endsWith('/own-process.ts'))
        ? [`${source.path} uses the global process, which the application can replace`]
        : []),
      ...(/\bperformance\./.test(code(source)) && !source.path.endsWith('clock.ts')
        ? [`${source.path} asks performance, which the application can replace: clock.ts has it`]
        : []),
    ]);
  assert.deepEqual(wrong, []);
});

test('commands load what they need only when they act', () => {
  const light = [
    '../../command.ts',
    '../../shared/app-options.ts',
    '../../shared/service-options.ts',
    '../../../errors.ts',
    'commander',
  ];
  const wrong = sources
    .filter(({ path }) => path.startsWith(join('cli', 'commands')))
    .flatMap((source) => staticImports(source).map((from) => ({ path: source.path, from })))
    .filter(({ from }) => !light.includes(from))
    .map(({ path, from }) => `${path} imports ${from}`);
  assert.deepEqual(wrong, []);
});

function staticImports({ text }: Source): string[] {
  return [...text.matchAll(/^import\s+(?!type\b)[^;'"]*?\sfrom\s+'([^']+)'/gm)].map(([, from = '']) => from);
}

test('every error can happen', () => {
  const used = sources.filter(({ path }) => path !== 'errors.ts').map(({ text }) => text);
  const unused = Object.keys(errors).filter((code) => !used.some((text) => text.includes(`'${code}'`)));
  assert.deepEqual(unused, []);
});

test('no default exports, no file without a job of its own', () => {
  const wrong = sources.flatMap((source) => [
    ...(/^export default/m.test(code(source)) ? [`${source.path} has a default export`] : []),
    ...(/(^|[/\\])(utils?|helpers?|constants|types|index)\.ts$/.test(source.path) && source.path !== 'index.ts'
      ? [`${source.path} is named for nothing`]
      : []),
    ...(source.text.startsWith('//') || source.text.startsWith('#!')
      ? []
      : [`${source.path} does not say what it is for`]),
  ]);
  assert.deepEqual(wrong, []);
});

test('no file imports another in a circle', () => {
  const imports = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source)
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from }) => join(dirname(source.path), from)),
    ]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (way.includes(path) || done.has(path)) return;
    for (const next of imports.get(path) ?? []) follow(next, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) follow(path, []);
  assert.deepEqual(circles, []);
});

/** Both sides of the wall between the processes have one. */
const counterparts = ['DataPlane'];

test('the name of a type means one thing', () => {
  const homes = new Map<string, string[]>();
  // lambda/ runs instead of a supervisor, and has the words of its platform.
  for (const { path, text } of sources.filter(({ room }) => room !== 'lambda')) {
    for (const [, name = ''] of text.matchAll(/^export (?:abstract )?(?:interface|type|class) (\w+)/gm))
      homes.set(name, [...(homes.get(name) ?? []), path]);
  }
  const twice = [...homes].filter(([name, paths]) => paths.length > 1 && !counterparts.includes(name));
  assert.deepEqual(twice, []);
});

test('a folder is taken in at a glance', () => {
  const sizes = new Map<string, number>();
  for (const { path } of sources) sizes.set(dirname(path), (sizes.get(dirname(path)) ?? 0) + 1);
  const full = [...sizes].filter(([, files]) => files > 14).map(([folder, files]) => `${folder}: ${files} files`);
  assert.deepEqual(full, []);
});

test('files stay small enough to be read in one go', () => {
  const tables = [join('config', 'options.ts'), 'errors.ts', join('cli', 'pm2', 'words.ts')];
  const long = sources
    .filter(({ path }) => !tables.includes(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > 350)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
  assert.deepEqual(long, []);
});

/** The text without comments and texts, so that words in them do not count. */
function code({ text }: Source): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/"[^"\n]*"|'[^'\n]*'/g, "''");
}
