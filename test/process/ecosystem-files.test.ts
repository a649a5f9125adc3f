// Ecosystem files of PM2 as they are found in the wild, read as `tutti check` reads them.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../support/command.ts';

interface Checked {
  config: {
    name: string;
    entry: string;
    args: string[];
    nodeArgs: string[];
    env: Record<string, string>;
    envFile: string[];
  };
  warnings: string[];
  fileWarnings: string[];
}

async function check(files: Record<string, string>, ...args: string[]): Promise<{ dir: string; apps: Checked[] }> {
  const { code, stdout, stderr, dir } = await runCommand(['check', '--json', '--values', ...args], { files });
  assert.equal(code, 0, stderr);
  return { dir, ...(JSON.parse(stdout) as { apps: Checked[] }) };
}

const ecosystem = (...apps: object[]): string => `module.exports = ${JSON.stringify({ apps })};`;

for (const [what, app, expected] of [
  ['node as the script', { script: 'node', args: 'dist/main.js --port 3' }, [[], ['--port', '3']]],
  [
    'node as the script, with its options',
    { script: 'node', args: ['--enable-source-maps', 'dist/main.js'] },
    [['--enable-source-maps'], []],
  ],
  ['a command line of node', { script: 'node dist/main.js --port 3' }, [[], ['--port', '3']]],
  ['the path of node as the script', { script: '/usr/local/bin/node', args: 'dist/main.js' }, [[], []]],
  ['a loader by its path', { script: './dist/main.js', interpreter: './node_modules/.bin/tsx' }, [[], []]],
  ['a loader in the script', { script: 'ts-node dist/main.js x' }, [[], ['x']]],
] as const) {
  test(`${what}: the file that node would run is the entry`, async () => {
    const { dir, apps } = await check(
      { 'ecosystem.config.js': ecosystem({ name: 'api', ...app }), 'dist/main.js': '' },
      'ecosystem.config.js',
    );
    const { entry, nodeArgs, args } = apps[0]?.config ?? assert.fail('no app');
    assert.deepEqual([entry, nodeArgs, args], [join(dir, 'dist/main.js'), ...expected]);
  });
}

test('what is no Node.js program is left out and named: by its ending, its first line, or its bytes', async () => {
  const { apps } = await check(
    {
      'ecosystem.config.js': ecosystem(
        { name: 'web', script: 'server.js' },
        { name: 'by-shell', script: 'startup.sh' },
        { name: 'bot', script: 'bot.py' },
        { name: 'watch', script: 'nodemon ./server.js' },
        { name: 'shim', script: './shim' },
        { name: 'tool', script: './tool' },
        { name: 'www', script: './bin/www' },
      ),
      'server.js': '',
      'startup.sh': '#!/bin/sh\n',
      'bot.py': '',
      shim: '#!/bin/sh\nexec node server.js\n',
      tool: '\x7fELF\x02\x01',
      'bin/www': '#!/usr/bin/env node\n',
    },
    'ecosystem.config.js',
  );
  assert.deepEqual(
    apps.map(({ config }) => config.name),
    ['web', 'www'],
  );
  const told = apps[0]?.fileWarnings.join('\n') ?? '';
  for (const name of ['by-shell', 'bot', 'watch', 'shim', 'tool']) assert.match(told, new RegExp(`\\b${name}\\b`));
});

test('process.json with comments, trailing commas and a byte order mark', async () => {
  const text = `\uFEFF{\n  // the app\n  "apps": [{ "name": "koa", /* entry */ "script": "app.js", "env": { "A": "1", }, }],\n}\n`;
  const { apps } = await check({ 'process.json': text, 'app.js': '' }, 'process.json');
  assert.deepEqual([apps[0]?.config.name, apps[0]?.config.env], ['koa', { A: '1' }]);
});

test('what the file puts into its environment reaches the apps, below their own env', async () => {
  const { apps } = await check(
    {
      'ecosystem.config.js': `process.env.SECRET = 's3'; process.env.MODE = 'x';\n${ecosystem({ name: 'a', script: 'app.js', env: { MODE: 'own' } })}`,
      'app.js': '',
    },
    'ecosystem.config.js',
  );
  // check shows no more than names where values are none of its reader's business.
  assert.deepEqual(Object.keys(apps[0]?.config.env ?? {}).sort(), ['MODE', 'SECRET']);
});

test('env_file is read, and is no environment called "file"', async () => {
  const { dir, apps } = await check(
    {
      'ecosystem.config.js': ecosystem({ name: 'a', script: 'app.js', env_file: '.env' }),
      '.env': 'A=1',
      'app.js': '',
    },
    'ecosystem.config.js',
  );
  assert.deepEqual(apps[0]?.config.envFile, [join(dir, '.env')]);
});

test('an environment that no app of the file has is told, and changes nothing', async () => {
  const files = { 'ecosystem.config.js': ecosystem({ name: 'a', script: 'app.js' }), 'app.js': '' };
  const { apps } = await check(files, 'ecosystem.config.js', '--env-name', 'production');
  assert.match(apps[0]?.warnings.join('\n') ?? '', /no app of the file has env_production/);
});

test('CommonJS in a package of ES modules is answered with the ending that helps', async () => {
  const { code, stderr } = await runCommand(['check', 'ecosystem.config.js'], {
    files: {
      'ecosystem.config.js': ecosystem({ name: 'a', script: 'app.js' }),
      'package.json': '{"type":"module"}',
      'app.js': '',
    },
  });
  assert.equal(code, 78);
  assert.match(stderr, /rename it so that it ends in \.cjs/);
});

for (const [name, content, what] of [
  ['start.sh', 'exec node server.js\n', 'a shell script'],
  ['shim', '#!/bin/sh\nexec node server.js\n', 'a script for /bin/sh'],
  ['app.py', 'print(1)\n', 'a Python program'],
  ['tool', '\x7fELF\x02\x01', 'a binary'],
] as const) {
  test(`${name} is refused before Node.js is given it`, async () => {
    const { code, stderr } = await runCommand(['run', name], { files: { [name]: content } });
    assert.equal(code, 78);
    assert.match(stderr, new RegExp(`the entry must be a program for Node\\.js, and ".*${name}" is ${what}`));
  });
}
