import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { startLoad } from '../support/load.ts';
import { binPath, nodePath } from '../support/rig.ts';

const hasTmux = spawnSync('tmux', ['-V']).status === 0;

/** A terminal of its own, with a server of its own, that tests can look at. */
class TmuxTerminal implements Disposable {
  readonly #server = `tutti-${randomBytes(4).toString('hex')}`;

  /** `assignments`: of variables, as a shell knows them. */
  constructor(cli: Cli, columns: number, rows: number, args: string, assignments = '') {
    const command = `${assignments} ${nodePath} ${binPath} ${args}; echo "left with $?"; read _`;
    const size = ['-x', String(columns), '-y', String(rows)];
    const env = cli.environment({ TERM: 'xterm-256color' });
    const started = spawnSync('tmux', ['-L', this.#server, '-f', '/dev/null', 'new-session', '-d', ...size, command], {
      env,
    });
    assert.equal(started.status, 0, String(started.stderr));
  }

  text(): string {
    return this.#tmux('capture-pane', '-p');
  }

  keys(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  async until(match: RegExp): Promise<string> {
    await eventually(`the screen shows ${match}`, () => match.test(this.text())).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.text()}`);
    });
    return this.text();
  }

  isAlternate(): boolean {
    return this.#tmux('display-message', '-p', '#{alternate_on}').trim() === '1';
  }

  [Symbol.dispose](): void {
    this.#tmux('kill-server');
  }

  #tmux(...args: string[]): string {
    return spawnSync('tmux', ['-L', this.#server, ...args], { encoding: 'utf8' }).stdout;
  }
}

describe('tutti top', { skip: hasTmux ? false : 'tmux is not installed' }, () => {
  it('shows workers, load and events, obeys keys, follows the size, and gives the screen back', async () => {
    await using cli = await openCli();
    const app = cli.write('talks.cjs', `console.log('talks'); require(${JSON.stringify(cli.fixture('hello.cjs'))});`);
    await cli.ok(['start', app, '-n', 'web', '-i', '2', '--canary-time', '0']);
    using terminal = new TmuxTerminal(cli, 120, 24, 'top web');
    const first = await terminal.until(/^ +1 +● ready/m);
    assert.match(first, /^web running · generation 1/);
    assert.match(first, /^slot +state +cpu +memory +req\/s/m);
    await terminal.until(/worker 0 \(pid \d+\) ready after/);
    assert.ok(terminal.isAlternate());

    await using load = await startLoad({ port: cli.port, keepAlive: 2, fresh: 0 });
    await terminal.until(/requests [1-9][\d.]*k?\/s +p50 [\d.]+ms +p99 [\d.]+ms/);
    await load.stop();

    await terminal.until(/^log\n[^\n]*\[[01]\] /m);
    terminal.keys('l');
    await terminal.until(/l {2}events/);
    assert.doesNotMatch(terminal.text(), /ready after/);
    terminal.keys('l');
    terminal.keys('+');
    await terminal.until(/^ +2 +● ready/m);
    terminal.keys('r');
    await terminal.until(/^reload web\? y: yes/m);
    terminal.keys('y');
    await terminal.until(/generation 2/);
    await terminal.until(/web: reloaded in/);

    for (const [columns, rows] of [
      [40, 8],
      [20, 4],
      [5, 2],
    ] as const) {
      terminal.resize(columns, rows);
      await eventually('it fits', () => terminal.text().trimEnd().split('\n').length <= rows);
      await terminal.until(columns === 5 ? /^web/ : /^web running/);
    }
    terminal.resize(100, 30);
    await terminal.until(/q {2}leave/);

    terminal.keys('s');
    await terminal.until(/^stop web\?/m);
    terminal.keys('n');
    await eventually('the question is gone', () => !/stop web\?/.test(terminal.text()));
    assert.equal((await cli.snapshot('web')).state, 'running');
    terminal.keys('q');
    await terminal.until(/left with 0/);
    assert.ok(!terminal.isAlternate());
  });

  it('says that the app is gone, and comes back with it', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', '--canary-time', '0']);
    using terminal = new TmuxTerminal(cli, 100, 20, 'monit web');
    await terminal.until(/web running/);
    await cli.ok(['stop', 'web']);
    await terminal.until(/web does not answer/);
    await cli.ok(['start', 'web']);
    await terminal.until(/web running/);
    terminal.keys('C-c');
    await terminal.until(/left with 0/);
  });

  it('needs a terminal', async () => {
    await using cli = await openCli();
    const { code, stderr } = await cli.run(['top']);
    assert.equal(code, 64);
    assert.match(stderr, /tutti status --json/);
    using terminal = new TmuxTerminal(cli, 100, 20, 'top', 'TERM=dumb');
    await terminal.until(/tutti status --json[\s\S]*left with 64/);
  });

  it('leaves no line to wrap to tutti status, on a small terminal', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '2']);
    using one = new TmuxTerminal(cli, 72, 20, 'status web');
    assert.match(
      await one.until(/left with 0/),
      /^ +slot +state .* restarts$\n^ +0 +\S ready .* 0$\n^ +1 +\S ready .* 0$/m,
    );
    using all = new TmuxTerminal(cli, 60, 20, 'status');
    assert.match(await all.until(/left with 0/), /^app +state +workers .*\nweb +running +2\/2 .*\nleft/);
    await cli.ok(['stop', 'web']);
  });

  it('shows a reload as a live line per worker', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '2', '--canary-time', '500ms']);
    using terminal = new TmuxTerminal(cli, 100, 20, 'reload web');
    await terminal.until(/canary, 0 of 2[\s\S]*generation 2/);
    const after = await terminal.until(/left with 0/);
    assert.match(after, /^✔ web: reloaded in .*, generation 2 serves\nleft with 0/);
  });
});
