// What an application writes, or dies of, on a person's terminal: made by script(1). In a pipe it stays as it was written.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { binPath, nodePath } from '../support/rig.ts';

const skip = spawnSync('script', ['--version']).status === 0 ? false : 'needs script(1)';
const forged = '\rtutti: worker 9 (pid 1) ready\u001b[2J\u001b]0;owned\u0007\u202e';

function onTerminal(cli: Cli, ...args: string[]): string {
  const words = [nodePath, binPath, ...args].map((word) => `'${word}'`).join(' ');
  const options = { cwd: cli.dir, env: cli.environment({ TERM: 'xterm' }), encoding: 'utf8', timeout: 60_000 } as const;
  return spawnSync('script', ['-qec', words, '/dev/null'], options).stdout;
}

test('what could move the cursor or forge a line is shown, by every command; a pipe gets what was written', {
  skip,
}, async () => {
  await using cli = await openCli();
  const app = cli.write(
    'app.cjs',
    `const text = ${JSON.stringify(forged)};
     console.log('said ' + text);
     require('http').createServer((request, response) => {
       response.end();
       setImmediate(() => { throw new Error('died ' + text); });
     }).listen(process.env.PORT);`,
  );
  await cli.ok(['start', app, '-n', 'web', '-i', '1']);
  await fetch(`http://127.0.0.1:${cli.port}/`).catch(() => {});
  await eventually('the incident', async () => (await cli.run(['describe', 'web'])).stdout.includes('died'));
  for (const args of [
    ['logs', 'web'],
    ['events', 'web'],
    ['describe', 'web'],
    ['describe', 'web', '--incident', 'last'],
    ['status'],
    ['status', 'web'],
    ['logs', 'web', '--json'],
    ['events', 'web', '--json'],
  ]) {
    const shown = onTerminal(cli, ...args);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one
    const controls = shown.replaceAll('\r\n', '\n').replaceAll(/\u001b\[[0-9;]*m/g, '');
    assert.doesNotMatch(controls, /(?![\t\n])\p{Cc}|\u202e/u, `${args}: ${JSON.stringify(shown)}`);
  }
  assert.match(onTerminal(cli, 'logs', 'web'), /said \\rtutti: worker 9 \(pid 1\) ready\\u001b\[2J/);
  const piped = await cli.ok(['logs', 'web']);
  assert.ok(piped.stdout.includes(`said ${forged}`));
  assert.doesNotMatch(cli.logs(), /\r|\u202e/);
});
