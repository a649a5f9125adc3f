// Every kind of configuration file, read as `tutti check` reads it; and what a TypeScript entry runs with.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CommandOptions, runCommand, runsTypeScript } from '../support/command.ts';

interface Checked {
  config: { name: string; entry: string; cwd: string; args: string[]; env: Record<string, string>; surge: number };
  sources: Record<string, string>;
  file: string | null;
  warnings: string[];
  program: string[];
}

async function check(args: readonly string[], options: CommandOptions): Promise<{ dir: string; apps: Checked[] }> {
  const { code, stdout, stderr, dir, left } = await runCommand(['check', '--json', '--values', ...args], options);
  assert.equal(code, 0, stderr);
  assert.deepEqual(left, []);
  return { dir, ...(JSON.parse(stdout) as { apps: Checked[] }) };
}

const files: Record<string, string> = {
  'tutti.config.ts': [
    "import { defineConfig } from 'tutti';",
    "import { surge } from './shared.ts';",
    'interface Wish { surge: number }',
    'const wish: Wish = { surge };',
    "export default defineConfig({ entry: 'server.js', ...wish });",
  ].join('\n'),
  'tutti.config.js': "module.exports = { entry: 'server.js', surge: 3 };",
  'tutti.config.mjs': "export default async () => ({ entry: 'server.js', surge: 3 });",
  'tutti.config.json': '{ "$schema": "./tutti.schema.json", "entry": "server.js", "surge": 3 }',
  'tutti.config.yaml': 'entry: server.js\nsurge: 3\n',
  'tutti.config.yml': '# a comment\nentry: server.js\nsurge: 3\n',
};

for (const [name, content] of Object.entries(files)) {
  test(`${name} is found and read`, async () => {
    const { dir, apps } = await check([], {
      files: { [name]: content, 'shared.ts': 'export const surge: number = 3;', 'server.js': '' },
    });
    assert.equal(apps.length, 1);
    assert.equal(apps[0]?.config.surge, 3);
    assert.equal(apps[0]?.config.entry, join(dir, 'server.js'));
    assert.equal(apps[0]?.sources.surge, `${name}: surge`);
    assert.equal(apps[0]?.file, join(dir, name));
  });
}

test('TypeScript that cannot be stripped is understood too', async () => {
  const { apps } = await check([], {
    files: {
      'tutti.config.ts': "enum Many { three = 3 }\nexport default { entry: 'server.js', surge: Many.three };",
      'server.js': '',
    },
  });
  assert.equal(apps[0]?.config.surge, 3);
});

test('what a configuration prints does not disturb, and its modules stay out of the primary', async () => {
  const { apps } = await check([], {
    files: {
      'tutti.config.mjs': "console.log('{}'); setInterval(() => {}, 1e6); export default { entry: 'server.js' };",
      'server.js': '',
    },
  });
  assert.equal(apps.length, 1);
});

test('several apps: each with the place of its values, and named by its entry', async () => {
  const { apps } = await check([], {
    files: {
      'tutti.config.json':
        '{ "apps": [{ "entry": "web.js", "surge": 2 }, { "name": "mail", "entry": "sub/mail.js" }] }',
      'web.js': '',
      'sub/mail.js': '',
    },
  });
  assert.deepEqual(
    apps.map(({ config }) => config.name),
    ['web', 'mail'],
  );
  assert.equal(apps[0]?.sources.surge, 'tutti.config.json: apps[0].surge');
});

test('what is wrong with a list of apps is told at once, for all of them', async () => {
  const files = {
    'tutti.config.json': JSON.stringify({
      apps: [
        { entry: 'web.js', workers: 'many', bogus: 1 },
        { entry: 'mail.js', surge: 0 },
      ],
      surge: 2,
    }),
    'web.js': '',
    'mail.js': '',
  };
  for (const [args, problems] of [
    [
      ['check'],
      [/apps\[0\]\.workers must/, /apps\[0\]\.bogus is not/, /apps\[1\]\.surge must/, /: surge must stand inside/],
    ],
    [
      ['run', 'mail.js'],
      [/apps\[1\]\.surge must/, /: surge must stand inside/],
    ],
  ] as const) {
    const { code, stderr } = await runCommand([...args], { files });
    assert.equal(code, 78);
    for (const problem of problems) assert.match(stderr, problem);
    assert.equal(stderr.match(/tutti\.config\.json: /g)?.length, problems.length, stderr);
  }
});

test('--config names another file, and its folder is the base of its paths', async () => {
  const { dir, apps } = await check(['-c', 'deploy/app.yaml'], {
    files: { 'deploy/app.yaml': 'entry: ../server.js\n', 'server.js': '' },
  });
  assert.equal(apps[0]?.config.entry, join(dir, 'server.js'));
  assert.equal(apps[0]?.config.cwd, join(dir, 'deploy'));
});

test('--config none leaves the file aside', async () => {
  const { apps } = await check(['server.js', '-c', 'none'], {
    files: { 'tutti.config.json': '{ "surge": 9, "wrong": 1 }', 'server.js': '' },
  });
  assert.equal(apps[0]?.config.surge, 1);
  assert.equal(apps[0]?.file, null);
});

test('flags lie over variables, variables over the file; arguments stand after --', async () => {
  const { apps } = await check(['server.js', '--env', 'A=flag', '--', '--port', '3000'], {
    files: {
      'tutti.config.json': '{ "env": { "A": "file", "B": "file" }, "surge": 2, "args": ["x"] }',
      'server.js': '',
    },
    env: { TUTTI_SURGE: '4', TUTTI_WORKER: '1' },
  });
  const [app] = apps;
  assert.deepEqual(app?.config.env, { A: 'flag', B: 'file' });
  assert.equal(app?.config.surge, 4);
  assert.equal(app?.sources.surge, 'TUTTI_SURGE');
  assert.deepEqual(app?.config.args, ['--port', '3000']);
  assert.match(app?.warnings[0] ?? '', /TUTTI_WORKER is not an option .* TUTTI_WORKERS/);
  assert.deepEqual(app?.program.slice(-2), ['--port', '3000']);
});

test('the name is that of the package', async () => {
  const { apps } = await check(['server.js'], {
    files: { 'package.json': '{ "name": "@acme/shop" }', 'server.js': '' },
  });
  assert.equal(apps[0]?.config.name, 'shop');
});

test('a TypeScript entry runs through the loader of its own project', {
  skip: runsTypeScript,
}, async () => {
  const loader = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
  const { dir, apps } = await check(['server.ts'], {
    files: {
      'server.ts': 'const a: number = 1;',
      // The smallest project that has tsx installed: it only has to be found.
      'node_modules/tsx/package.json': '{ "name": "tsx", "exports": { ".": "./loader.mjs" } }',
      'node_modules/tsx/loader.mjs': `export * from ${JSON.stringify(loader)};`,
    },
  });
  const program = apps[0]?.program ?? [];
  assert.equal(program[1], '--import');
  assert.equal(fileURLToPath(program[2] ?? ''), join(dir, 'node_modules/tsx/loader.mjs'));
  assert.equal(program[3], join(dir, 'server.ts'));
});

test('a TypeScript entry runs by Node itself where Node can', { skip: !runsTypeScript }, async () => {
  const { dir, apps } = await check(['server.ts'], { files: { 'server.ts': 'const a: number = 1;' } });
  assert.deepEqual(apps[0]?.program.slice(1), [join(dir, 'server.ts')]);
});

test('a loader that the operator names is left alone', async () => {
  const { dir, apps } = await check(['server.ts', '--node-arg=--import=./loader.mjs'], { files: { 'server.ts': '' } });
  assert.deepEqual(apps[0]?.program.slice(1), ['--import=./loader.mjs', join(dir, 'server.ts')]);
});
