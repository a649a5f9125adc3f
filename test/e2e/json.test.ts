// With --json a program reads what a command says: on success one JSON value on stdout (events and logs: one a line), on failure one on
// stderr, and whatever else is said there is JSON too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cli, type Finished, openCli } from '../support/cli.ts';

interface Said {
  code: number | null;
  out: unknown;
  err: unknown[];
}

const manyLines = new Set(['events', 'logs']);

function lines(text: string, args: readonly string[]): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      try {
        return JSON.parse(line);
      } catch {
        return assert.fail(`tutti ${args.join(' ')} says what is no JSON: ${line}`);
      }
    });
}

function read({ code, stdout, stderr }: Finished, args: readonly string[]): Said {
  const err = lines(stderr, args);
  if (stdout === '') return { code, out: undefined, err };
  const isMany = manyLines.has(args[0] ?? '') || args.includes('--follow');
  return { code, out: isMany ? lines(stdout, args) : JSON.parse(stdout), err };
}

async function ask(cli: Cli, ...args: string[]): Promise<Said> {
  const all = [...args, '--json'];
  return read(await cli.run(all), all);
}

test('every command that has it answers in JSON, when it works', async () => {
  await using cli = await openCli();
  const program = cli.fixture('hello.cjs');
  cli.write(
    'pm2.config.js',
    `module.exports = { apps: [{ name: 'a', script: ${JSON.stringify(program)}, pmx: true }] }`,
  );
  const options = ['-n', 'web', '-i', '1', '--canary-time', '0', '--config', 'none'];
  const commands: string[][] = [
    ['check', program, ...options],
    ['start', program, ...options],
    ['status'],
    ['status', 'web'],
    ['events', 'web'],
    ['logs', 'web'],
    ['describe', 'web'],
    ['stack', 'web', '--slot', '0', '--seconds', '0.1'],
    ['profile', 'web', '--slot', '0', '--seconds', '0.1'],
    ['heap', 'web', '--slot', '0'],
    ['reload', 'web'],
    ['save'],
    ['resurrect'],
    ['rollback', 'web'],
    ['scale', 'web', '2'],
    ['recycle', 'web', '--slot', '0'],
    ['restart', 'web'],
    ['stop', 'web'],
    ['restart', 'web'],
    ['delete', 'web'],
    ['import', 'pm2', 'pm2.config.js'],
  ];
  for (const args of commands) {
    const { code, out, err } = await ask(cli, ...args);
    assert.equal(code, 0, `${args}: ${JSON.stringify(err)}`);
    assert.ok(typeof out === 'object' || (args[0] === 'logs' && out === undefined), `${args}: ${out}`);
    assert.deepEqual(err, [], `${args}`);
    const { results } = (out ?? {}) as { results?: { app: string; outcome: string }[] };
    if (['reload', 'rollback', 'scale', 'recycle', 'restart', 'stop', 'delete'].includes(args[0] ?? '')) {
      assert.deepEqual(
        results?.map(({ app, outcome }) => [app, outcome]),
        [['web', 'done']],
        `${args}`,
      );
    }
    if (args[0] === 'restart') assert.equal((out as { started: { name: string }[] }).started[0]?.name, 'web');
  }
  assert.equal(typeof (await ask(cli, 'doctor')).out, 'object');
});

test('and when it does not', async () => {
  await using cli = await openCli();
  cli.write('app.cjs', `require(${JSON.stringify(cli.fixture('hello.cjs'))})`);
  // What is odd about it is said beside the answer, as JSON too.
  cli.write(
    'odd.config.js',
    `module.exports = { apps: [{ name: 'odd', script: 'app.cjs', pmx: true, watch_delay: 5 }, { name: 'sh', script: 'x.sh' }] }`,
  );
  await cli.ok(['start', 'app.cjs', '-n', 'web', '-i', '1', '--canary-time', '0']);
  const failures: string[][] = [
    ...['status', 'events', 'logs', 'describe', 'reload', 'rollback', 'recycle', 'restart', 'stop', 'delete'].map(
      (command) => [command, 'nope'],
    ),
    ['stack', 'nope', '--slot', '0'],
    ['profile', 'web', '--slot', '7'],
    ['heap', 'web', '--slot', '0', '--out', 'no/folder'],
    ['scale', 'web', '0'],
    ['start', 'nope.js'],
    ['start', 'app.cjs', '-n', 'web'],
    ['run', 'nope.js'],
    ['check', 'nope.js'],
    ['import', 'pm2', 'nope.js'],
    ['start', 'odd.config.js', 'sh'],
    ['reload', '--nope'],
    ['nope'],
  ];
  for (const args of failures) {
    const { code, out, err } = await ask(cli, ...args);
    assert.notEqual(code, 0, `${args}`);
    assert.equal(out, undefined, `${args}`);
    const errors = err.filter((one) => typeof one === 'object' && one !== null && 'error' in one);
    assert.equal(errors.length, 1, `${args}: ${JSON.stringify(err)}`);
  }
  cli.write('app.cjs', "throw new Error('boom')");
  for (const [command, outcome] of [
    ['reload', 'failed'],
    ['recycle', 'refused'],
    ['restart', 'failed'],
  ] as const) {
    const { code, out } = await ask(cli, command, 'web');
    assert.notEqual(code, 0);
    const { results } = (out ?? {}) as { results: { outcome: string; reason: string }[] };
    assert.deepEqual(
      results.map((one) => one.outcome),
      [outcome],
    );
    assert.ok(results[0]?.reason);
  }
});

test('an app that does not answer is told in JSON', async () => {
  await using cli = await openCli();
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1']);
  const { pid } = await cli.snapshot('web');
  process.kill(pid, 'SIGSTOP');
  try {
    const { code, out, err } = await ask(cli, 'status', 'web');
    assert.deepEqual([code, (out as { state: string }).state, err], [4, 'silent', []]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});
