// What a person sees: `tutti run` on a terminal, made by script(1).

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { binPath, finished, fixture, nodePath, outputOf, Sandbox } from '../support/sandbox.ts';

const skip = spawnSync('script', ['--version']).status === 0 ? false : 'needs script(1)';

/** `tutti run` as somebody typed it there, once it has said how it is ended. */
async function runOnTerminal(sandbox: Sandbox, args: string, env: Record<string, string>) {
  // exec: the shell between would get the Ctrl-C too, and end with a code of its own.
  const terminal = spawn('script', ['-qec', `exec ${nodePath} ${binPath} run ${args}`, '/dev/null'], {
    cwd: sandbox.dir,
    env: sandbox.environment({ TERM: 'xterm', ...env }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = outputOf(terminal);
  const end = finished(terminal, said);
  await eventually('the hints', () => said.stdout.includes('Ctrl-C'));
  return {
    said,
    async interrupt() {
      terminal.stdin.write('\u0003');
      assert.equal((await end).code, 0);
    },
  };
}

test('a terminal shows the primary, each worker, the URL and what to try; Ctrl-C ends it', { skip }, async () => {
  const port = await freePort();
  await using sandbox = new Sandbox();
  const terminal = await runOnTerminal(sandbox, `${fixture('hello.cjs')} -i 2 --name hello`, { PORT: String(port) });
  const plain = stripVTControlCharacters(terminal.said.stdout);
  assert.match(plain, /hello: 2 workers, primary \d+, node v\d+/);
  assert.match(plain, /worker 0 \(pid \d+\) ready after [\d.]+ m?s/);
  assert.match(plain, /worker 1 \(pid \d+\) ready after [\d.]+ m?s/);
  assert.match(plain, new RegExp(`ready: http://localhost:${port}`));
  assert.match(plain, new RegExp(`open http://localhost:${port} twice`));
  assert.match(plain, /kill -9 \d+ +a new worker takes its place/);
  assert.ok(terminal.said.stdout.includes('\u001b['), 'in colour');
  await terminal.interrupt();
  assert.match(stripVTControlCharacters(terminal.said.stdout), /stopping: SIGINT[\s\S]*stopped: SIGINT/);
});

test("on a terminal the workers' lines carry their slot", { skip }, async () => {
  await using sandbox = new Sandbox();
  const program = sandbox.write(
    'app.cjs',
    "console.log('to out'); console.error('to err'); process.stdout.write('no newline'); setTimeout(() => {}, 1e8);",
  );
  const { said, interrupt } = await runOnTerminal(sandbox, `${program} -i 1 --ready started`, { NO_COLOR: '1' });
  await eventually('the output', () => /^\[0\] to out/m.test(said.stdout) && /^\[0\] to err/m.test(said.stdout));
  assert.ok(!said.stdout.includes('\u001b['), 'without colour');
  await interrupt();
  assert.match(said.stdout, /^\[0\] no newline/m);
});
