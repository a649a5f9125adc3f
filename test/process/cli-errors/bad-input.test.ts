// Every mistake an operator can make: one clear error (what, the rule, the value, the remedy), the documented exit code, and nothing
// left behind.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { type CommandOptions, runCommand, runsTypeScript } from '../../support/command.ts';
import { freePort } from '../../support/free-port.ts';
import { binPath, nodePath } from '../../support/rig.ts';

const server = "require('node:http').createServer((q, r) => r.end('ok')).listen(Number(process.env.PORT ?? 0));";

interface Case {
  name: string;
  args: readonly string[];
  options?: CommandOptions;
  code: number;
  /** What the error must say: the thing, the rule, the value. */
  says: readonly RegExp[];
  remedy: RegExp;
}

const cases: Case[] = [
  {
    name: 'a missing entry',
    args: ['run', 'sever.js'],
    options: { files: { 'server.js': server } },
    code: 78,
    says: [/entry must be an existing file/, /work\/sever\.js"/],
    remedy: /Did you mean ".*\/server\.js"\?.*ERR_ENTRY_NOT_FOUND/,
  },
  {
    name: 'a folder without index',
    args: ['run', 'app'],
    options: { files: { 'app/': '' } },
    code: 78,
    says: [/entry ".*\/app" is a folder that has neither a package\.json with a valid "main" nor an index\.js/],
    remedy: /Name the file itself.*ERR_ENTRY_IS_FOLDER/,
  },
  {
    name: 'a number of workers that is none',
    args: ['run', 'server.js', '-i', 'many'],
    options: { files: { 'server.js': server } },
    code: 64,
    says: [
      /--workers must be "auto", "max", "max-1", a whole number from 1 to 1024, or a range such as 2\.\.8, got "many"/,
    ],
    remedy: /--help.*ERR_FLAGS_INVALID/,
  },
  {
    name: 'a negative duration',
    args: ['run', 'server.js', '--drain-timeout', '-5s'],
    options: { files: { 'server.js': server } },
    code: 64,
    says: [/--drain-timeout must be a duration such as 500ms, 30s, 5m or 2h .* not negative, got "-5s"/],
    remedy: /ERR_FLAGS_INVALID/,
  },
  {
    name: 'several wrong values, told at once',
    args: ['run', 'server.js', '--surge', '0', '--probe', 'healthz'],
    options: { files: { 'server.js': server }, env: { TUTTI_MAX_MEMORY: 'lots' } },
    code: 78,
    says: [
      /--surge must be .* got "0"/,
      /--probe must be .* got "healthz"/,
      /TUTTI_MAX_MEMORY must be a size .* got "lots"/,
    ],
    remedy: /ERR_CONFIG_INVALID/,
  },
  {
    name: 'an unknown flag',
    args: ['run', 'server.js', '--worker', '2'],
    options: { files: { 'server.js': server } },
    code: 64,
    says: [/unknown option "--worker"/],
    remedy: /Did you mean --workers\?.*ERR_USAGE/,
  },
  {
    name: 'an unknown command',
    args: ['rnu', 'server.js'],
    code: 64,
    says: [/unknown command "rnu"/],
    remedy: /Did you mean run\?/,
  },
  {
    name: 'a program where a command belongs',
    args: ['server.js'],
    code: 64,
    says: [/unknown command "server\.js"/],
    remedy: /tutti run server\.js/,
  },
  {
    name: 'arguments of the program without --',
    args: ['run', 'server.js', 'more'],
    code: 64,
    says: [/too many arguments/],
    remedy: /Arguments of the program itself stand after --/,
  },
  { name: 'nothing to run', args: ['run'], code: 64, says: [/no entry was named/], remedy: /tutti run server\.js/ },
  {
    name: 'an unknown key in the configuration',
    args: ['run'],
    options: { files: { 'server.js': server, 'tutti.config.json': '{ "entry": "server.js", "worker": 2 }' } },
    code: 78,
    says: [/tutti\.config\.json: worker is not an option; did you mean "workers"\?/],
    remedy: /tutti check.*ERR_CONFIG_INVALID/,
  },
  {
    name: 'a configuration that throws',
    args: ['run'],
    options: { files: { 'tutti.config.mjs': 'export default {\n  entry: "server.js",\n  x: port,\n};\n' } },
    code: 78,
    says: [/tutti\.config\.mjs": ReferenceError: port is not defined \(line 3:6\)/],
    remedy: /ERR_CONFIG_FAILED/,
  },
  {
    name: 'a configuration with a syntax error',
    args: ['run'],
    options: { files: { 'tutti.config.mjs': 'export default {\n  entry: "server.js",\n' } },
    code: 78,
    says: [/SyntaxError: Unexpected end of input \(line 3\)/],
    remedy: /ERR_CONFIG_FAILED/,
  },
  {
    name: 'a configuration that never ends',
    args: ['run'],
    options: { files: { 'tutti.config.mjs': 'await new Promise(() => {});' } },
    code: 78,
    says: [/it waits for something that never happens/],
    remedy: /ERR_CONFIG_FAILED/,
  },
  {
    name: 'a configuration that leaves',
    args: ['run'],
    options: { files: { 'tutti.config.mjs': 'process.exit(0);' } },
    code: 78,
    says: [/it ended with exit code 0, before it had exported anything/],
    remedy: /ERR_CONFIG_FAILED/,
  },
  {
    name: 'a configuration with a function in it',
    args: ['run'],
    options: { files: { 'tutti.config.mjs': 'export default { entry: "server.js", env: { A() {} } };' } },
    code: 78,
    says: [/"env\.A" is a function; only plain values/],
    remedy: /ERR_CONFIG_FAILED/,
  },
  {
    name: 'a configuration that exports nothing',
    args: ['run'],
    options: { files: { 'tutti.config.mjs': 'const app = 1;' } },
    code: 78,
    says: [/must export one app or \{ apps: \[ … \] \}, got null/],
    remedy: /export default/,
  },
  {
    name: 'a configuration that is not YAML',
    args: ['run'],
    options: { files: { 'tutti.config.yaml': 'entry: [server.js\n' } },
    code: 78,
    says: [/tutti\.config\.yaml": YAMLParseError/],
    remedy: /ERR_CONFIG_FAILED/,
  },
  {
    name: 'a configuration that is not there',
    args: ['run', '-c', 'other.ts'],
    code: 78,
    says: [/there is no file ".*\/other\.ts"/],
    remedy: /--config.*ERR_CONFIG_NOT_FOUND/,
  },
  {
    name: 'an app without entry',
    args: ['run'],
    options: { files: { 'tutti.config.json': '{ "workers": 2 }' } },
    code: 78,
    says: [/gives it no "entry"/],
    remedy: /ERR_ENTRY_REQUIRED/,
  },
  {
    name: 'several apps and a name that none has',
    args: ['run', 'shop'],
    options: {
      files: {
        'tutti.config.json': '{ "apps": [{ "name": "web", "entry": "a.js" }, { "name": "mail", "entry": "b.js" }] }',
      },
    },
    code: 64,
    says: [/Cannot find the app "shop": ".*" names web, mail/],
    remedy: /tutti run --name web.*ERR_APP_CHOICE/,
  },
  {
    name: 'a working folder that is not there',
    args: ['run', 'server.js', '--cwd', 'nowhere'],
    options: { files: { 'server.js': server } },
    code: 78,
    says: [/--cwd must be an existing folder, got ".*\/nowhere"/],
    remedy: /ERR_CWD_INVALID/,
  },
  {
    name: 'a Node.js that is not there',
    args: ['run', 'server.js', '--node', './node99'],
    options: { files: { 'server.js': server } },
    code: 78,
    says: [/--node must be an executable Node\.js binary, got ".*\/node99"/],
    remedy: /ERR_NODE_INVALID/,
  },
  {
    name: 'an environment file that is not there',
    args: ['run', 'server.js'],
    options: { files: { 'server.js': server }, env: { TUTTI_ENV_FILE: 'nothing.env' } },
    code: 78,
    says: [/environment file ".*\/nothing\.env": there is no such file/],
    remedy: /ERR_ENV_FILE/,
  },
];

for (const { name, args, options, code, says, remedy } of cases) {
  test(name, async () => {
    const result = await runCommand(args, options);
    assert.equal(result.code, code, result.stderr);
    for (const what of says) assert.match(result.stderr, what);
    assert.match(result.stderr, remedy);
    assertOneError(result.stderr);
    assert.deepEqual(result.left, []);
    assert.equal(result.stdout, '');
  });
}

test('a TypeScript entry without anything that could run it', {
  skip: runsTypeScript,
}, async () => {
  const result = await runCommand(['run', 'server.ts'], { files: { 'server.ts': 'const a: number = 1;' } });
  assert.equal(result.code, 78);
  assert.match(result.stderr, /does not run TypeScript by itself/);
  assert.match(result.stderr, /npm install tsx/);
  assertOneError(result.stderr);
  assert.deepEqual(result.left, []);
});

test('a port that is in use', async () => {
  const port = await freePort();
  const other = createServer().listen(port);
  try {
    const result = await runCommand(['run', 'server.js', '-i', '1'], {
      files: { 'server.js': server },
      env: { PORT: String(port) },
    });
    assert.equal(result.code, 69, result.stderr);
    assert.match(result.stderr, new RegExp(`must listen on \\S*:${port}, and another process already does`));
    assert.match(result.stderr, /ERR_PORT_IN_USE/);
    assert.deepEqual(result.left, []);
  } finally {
    other.close();
  }
});

const isRoot = process.getuid?.() === 0;
const nobody = isRoot ? { uid: 65_534 } : {};

test('an entry that may not be read', async () => {
  const result = await runCommand(['run', 'server.js'], {
    files: { 'server.js': server },
    modes: { 'server.js': 0 },
    ...nobody,
  });
  assert.equal(result.code, 77, result.stderr);
  assert.match(result.stderr, /entry ".*\/server\.js" must be readable: permission denied/);
  assert.match(result.stderr, /chmod u\+r.*ERR_ENTRY_UNREADABLE/);
  assertOneError(result.stderr);
  assert.deepEqual(result.left, []);
});

test('a configuration that may not be read', async () => {
  const result = await runCommand(['run'], {
    files: { 'tutti.config.json': '{}' },
    modes: { 'tutti.config.json': 0 },
    ...nobody,
  });
  assert.equal(result.code, 77, result.stderr);
  assert.match(result.stderr, /ERR_CONFIG_UNREADABLE/);
  assertOneError(result.stderr);
  assert.deepEqual(result.left, []);
});

const firstFreePort = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));

test('a privileged port', { skip: firstFreePort < 2 && 'this system has no privileged ports' }, async () => {
  const result = await runCommand(['run', 'server.js', '-i', '1'], {
    files: { 'server.js': server },
    env: { PORT: String(firstFreePort - 1) },
    ...nobody,
  });
  assert.equal(result.code, 77, result.stderr);
  assert.match(result.stderr, new RegExp(`must listen on \\S*:${firstFreePort - 1}, and this user may not`));
  assert.match(result.stderr, /ERR_PORT_FORBIDDEN/);
  assert.deepEqual(result.left, []);
});

test('a current folder that was removed', () => {
  const script = 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$0" "$@"';
  for (const [args, code, says] of [
    [['run', 'server.js'], 78, /cwd must be an existing folder, got ".*there is no such file/],
    [['--version'], 0, /^$/],
  ] as const) {
    const { status, stderr } = spawnSync('sh', ['-c', script, nodePath, binPath, ...args], { encoding: 'utf8' });
    assert.equal(status, code, stderr);
    assert.match(stderr, says);
    if (code !== 0) assertOneError(stderr);
  }
});

test('with --json an error is one line of JSON', async () => {
  const result = await runCommand(['run', 'server.js', '--json', '-i', 'many'], { files: { 'server.js': server } });
  assert.equal(result.code, 64);
  const { error } = JSON.parse(result.stderr) as { error: { code: string; exitCode: number; details: unknown } };
  assert.equal(error.code, 'ERR_FLAGS_INVALID');
  assert.equal(error.exitCode, 64);
  assert.equal(result.stderr.trim().split('\n').length, 1);
});

test('a program that never becomes ready: exit code 3, with its own words', async () => {
  const result = await runCommand(['run', 'server.js', '-i', '1'], {
    files: { 'server.js': "throw new Error('no database');" },
  });
  assert.equal(result.code, 3, result.stderr);
  assert.match(result.stderr, /tutti: Cannot start: no worker became ready.*Error: no database/);
  assert.match(result.stderr, /ERR_NEVER_READY/);
  assert.deepEqual(result.left, []);
});

function assertOneError(stderr: string): void {
  assert.equal(stderr.match(/^tutti: /gm)?.length, 1, stderr);
  assert.doesNotMatch(stderr, /^\s+at /m, 'a stack of tutti itself is no help');
}
