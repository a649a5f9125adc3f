import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageScript, shellWords } from '../../../src/config/entry/package-script.ts';

const folder = mkdtempSync(join(tmpdir(), 'tutti-package-'));
after(() => rmSync(folder, { recursive: true }));
const scripts = {
  start: 'node server.js',
  serve: `NODE_ENV=production MODE='a b' node -r ./instrument.js --enable-source-maps dist/main.js --port 80`,
  cross: 'cross-env NODE_ENV=production node server.js',
  ts: 'tsx src/server.ts',
  nested: 'A=1 npm run cross -- --nested',
  pre: 'node server.js',
  prepre: 'tsc',
  watch: 'node --watch server.js',
  next: 'next start -p 3000',
  unbuilt: 'missing start',
  two: 'node a.js && node b.js',
  variable: 'node server.js --port $PORT',
  quoted: `node server.js --title "it's $HOME"`,
  eval: `node -e "require('./server')"`,
  loop: 'yarn loop',
  tsWatch: 'tsx watch src/server.ts',
  bare: 'node',
};
writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts }));
mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
writeFileSync(join(folder, 'node_modules/.bin/next'), '');

const read = (line: string) => packageScript(line.split(' '), folder);
const program = (line: string) => {
  const found = read(line);
  return 'program' in found ? found.program : assert.fail(found.why);
};

for (const [typed, expected] of [
  ['npm start', { entry: 'server.js' }],
  ['npm --silent start', { entry: 'server.js' }],
  ['npm run start --silent -- --port 3', { entry: 'server.js', args: ['--port', '3'] }],
  ['yarn start --port 3', { entry: 'server.js', args: ['--port', '3'] }],
  ['pnpm run start -- x', { entry: 'server.js', args: ['x'] }],
  [
    'npm run serve',
    {
      entry: 'dist/main.js',
      args: ['--port', '80'],
      nodeArgs: ['-r', './instrument.js', '--enable-source-maps'],
      env: { NODE_ENV: 'production', MODE: 'a b' },
    },
  ],
  ['npm run cross', { entry: 'server.js', env: { NODE_ENV: 'production' } }],
  ['npm run ts', { entry: 'src/server.ts' }],
  ['npm run nested', { entry: 'server.js', args: ['--nested'], env: { A: '1', NODE_ENV: 'production' } }],
] as const) {
  test(`${typed} is the program of its script`, () => {
    assert.deepEqual(program(typed), { args: [], nodeArgs: [], env: {}, warnings: [], ...expected });
  });
}

test('what npm would do beside is said', () => {
  assert.match(program('npm run pre').warnings.join(), /"prepre" of package\.json is not run/);
  const { nodeArgs, warnings } = program('npm run watch');
  assert.deepEqual(nodeArgs, []);
  assert.match(warnings.join(), /tutti has --watch/);
});

for (const [typed, why] of [
  ['npm run next', /the script "next" of ".*package\.json" is `next start -p 3000`, and that is no call of node/],
  ['npm run unbuilt', /no call of node/],
  ['npm run two', /`node a\.js && node b\.js`, and that is work for a shell/],
  ['npm run variable', /work for a shell/],
  ['npm run quoted', /work for a shell/],
  ['npm run eval', /no call of node/],
  ['npm run tsWatch', /no call of node/],
  ['npm run bare', /no call of node/],
  ['npm run loop', /without end/],
  ['npm run wibble', /there is no script "wibble" in ".*"; it has start, serve/],
  ['npm run toString', /there is no script "toString"/],
  ['npm ci', /names no script/],
  ['npm', /names no script/],
  ['npm run', /names no script/],
] as const) {
  test(`${typed} cannot be started, and why is said`, () => {
    const found = read(typed);
    if ('program' in found) assert.fail('it was started');
    assert.match(found.why, why);
    assert.notEqual(found.hint, '');
  });
}

test('a command that the package has installed is named by its path', () => {
  const found = read('npm run next');
  assert.match('why' in found ? found.hint : '', /tutti start node_modules\/\.bin\/next -- start -p 3000/);
});

test('without a readable package.json it says so', () => {
  const found = packageScript(['npm', 'start'], join(folder, 'nowhere'));
  assert.match('why' in found ? found.why : '', /package\.json" cannot be read/);
});

test('npm start without such a script is server.js, as npm does it', () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  writeFileSync(join(bare, 'package.json'), '{}');
  assert.match(JSON.stringify(packageScript(['npm', 'start'], bare)), /there is no script/);
  writeFileSync(join(bare, 'server.js'), '');
  assert.match(JSON.stringify(packageScript(['npm', 'start'], bare)), /"entry":"server\.js"/);
});

test('words are split as a shell would, or not at all', () => {
  assert.deepEqual(shellWords(`a 'b c' "d e"f --g='h i'`), ['a', 'b c', 'd ef', '--g=h i']);
  for (const text of ['a | b', 'a > b', '$(a)', '`a`', 'a *', `a "$B"`, `a 'b`, '~/a'])
    assert.equal(shellWords(text), null, text);
});
