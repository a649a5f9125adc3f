import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { isAlive } from '../support/processes.ts';

const quick = ['--canary-time', '0'];

async function startWeb(cli: Cli, ...more: string[]): Promise<void> {
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '2', ...quick, ...more]);
}

describe('one app in the background', { concurrency: 2 }, () => {
  it('starts, is seen, reloads, scales, recycles, stops, and is remembered', async () => {
    await using cli = await openCli();
    await startWeb(cli);
    const answer = await fetch({ port: cli.port, path: '/' });
    assert.equal(answer.status, 200);

    const list = await cli.ok(['ls']);
    assert.match(list.stdout, /^app +state/);
    assert.match(list.stdout, new RegExp(`^web +running +2/2 +1 +http://localhost:${cli.port}`, 'm'));
    const one = JSON.parse((await cli.ok(['status', 'web', '--json'])).stdout);
    assert.deepEqual([one.schema, one.name, one.state, one.workers.length], [1, 'web', 'running', 2]);
    assert.match((await cli.ok(['status', 'web'])).stdout, /generation +1\n/);

    const reload = await cli.ok(['reload']);
    assert.match(reload.stdout, /^✔ web: reloaded in .*, generation 2 serves$/m);
    assert.match(reload.stdout, /^web: worker 0 \(pid \d+\) ready/m);

    const scale = JSON.parse((await cli.ok(['scale', 'web', '+1', '--json'])).stdout);
    assert.deepEqual([scale.results[0].app, scale.results[0].outcome], ['web', 'done']);
    assert.equal((await cli.snapshot('web')).workers.length, 3);
    await cli.ok(['scale', 'web', '-2']);
    assert.equal((await cli.snapshot('web')).target, 1);

    const before = (await cli.snapshot('web')).workers[0]?.pid;
    await cli.ok(['recycle', 'web', '--slot', '0']);
    assert.notEqual((await cli.snapshot('web')).workers[0]?.pid, before);

    const events = await cli.ok(['events', 'web', '--json']);
    const types = events.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event.type);
    for (const type of ['worker-ready', 'reload-done', 'scaled', 'recycled']) assert.ok(types.includes(type), type);

    const { pid } = await cli.snapshot('web');
    await cli.ok(['stop', 'web']);
    assert.equal(isAlive(pid), false);
    const stopped = await cli.run(['status']);
    assert.match(stopped.stdout, /^web +stopped$/m);
    assert.equal(stopped.code, 5);
    assert.match((await cli.run(['reload', 'web'])).stderr, /"web": it is stopped\.\n.*tutti start web/);
    await cli.ok(['start', 'web']);
    assert.equal((await cli.snapshot('web')).workers.length, 2);
    const first = (await cli.snapshot('web')).pid;
    await cli.ok(['restart', 'web']);
    assert.notEqual((await cli.snapshot('web')).pid, first);
    await cli.ok(['del', 'web']);
    assert.match((await cli.run(['status'])).stdout, /^Nothing is running/);
  });

  it('has a session of its own, no stdin, and its output in files', async () => {
    await using cli = await openCli();
    cli.write('talks.cjs', `console.log('said', process.stdin.read()); require('./serve.cjs')`);
    cli.write('serve.cjs', readFileSync(cli.fixture('hello.cjs'), 'utf8'));
    await cli.ok(['start', 'talks.cjs', '-n', 'web', '-i', '1']);
    const { pid } = await cli.snapshot('web');
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    assert.equal(Number(session), pid);
    assert.match(readFileSync(join(cli.home, 'logs/web.log'), 'utf8'), /"line":"said null"/);
    assert.match(cli.logs(), /ready after/);
  });

  it('says where its page is, and that it has none where the port is taken', async () => {
    await using cli = await openCli();
    const taken = createServer();
    const admin = await new Promise<number>((done) => {
      taken.listen(0, '127.0.0.1', () => done((taken.address() as AddressInfo).port));
    });
    const args = ['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', '--admin', String(admin)];
    const without = await cli.run(args);
    taken.close();
    assert.equal(without.code, 2, without.stderr);
    assert.doesNotMatch(without.stdout, /✔/);
    assert.match(without.stdout, /^! web: started in .*, but not all that was asked for can be had$/m);
    assert.match(
      without.stderr,
      new RegExp(`admin port cannot be opened: 127.0.0.1:${admin}: another process listens there`),
    );
    assert.equal((await fetch({ port: cli.port, path: '/' })).status, 200);
    const again = await cli.ok(['restart', 'web']);
    assert.match(again.stdout, new RegExp(`its page: http://127.0.0.1:${admin}$`, 'm'));
  });

  it('says that what its workers write goes nowhere', async () => {
    await using cli = await openCli();
    spawnSync('mkfifo', [join(cli.dir, 'pipe')]);
    const greets = `createServer((_, answer) => answer.end()).listen(process.env.PORT, () => console.log('hello'))`;
    cli.write('greets.cjs', `require('node:http').${greets}`);
    for (const [file, why] of [
      ['pipe', /cannot be written to .*pipe: it is a pipe that nobody reads/],
      ['/dev/full', /cannot be written to \/dev\/full: ENOSPC/],
    ] as const) {
      const { stdout, stderr } = await cli.ok(['start', 'greets.cjs', '-n', 'web', '-i', '1', '--log-file', file]);
      assert.match(stdout, /^✔ web: started/m);
      assert.match(stderr, why);
      await cli.ok(['delete', 'web', '--fast']);
    }
  });

  it('is refused a second time, also at the same instant', async () => {
    await using cli = await openCli();
    const args = ['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', ...quick];
    const both = await Promise.all([cli.run(args), cli.run(args), cli.run(args)]);
    assert.deepEqual(both.map(({ code }) => code).sort(), [0, 6, 6], both.map(({ stderr }) => stderr).join('\n'));
    const { pid } = await cli.snapshot('web');
    const again = await cli.run(args);
    assert.equal(again.code, 6);
    assert.match(again.stderr, /web runs already[\s\S]*tutti reload web/);
    assert.equal((await cli.snapshot('web')).pid, pid);
  });
});

describe('a start that fails', () => {
  it('tells the caller why, with the exit code and the last lines of the app', async () => {
    await using cli = await openCli();
    const failed = await cli.run(['start', cli.fixture('throws-on-boot.cjs'), '-n', 'bad', '-i', '1']);
    assert.equal(failed.code, 3);
    assert.match(failed.stderr, /boom on boot/);
    assert.match(failed.stderr, /reading the settings/);
    assert.match((await cli.run(['status'])).stdout, /^bad +failed to start +tutti logs bad$/m);
  });

  it('ends with 69 for a port in use and 78 for a program that is not there', async () => {
    await using cli = await openCli();
    const server = createServer();
    await new Promise<void>((done) => server.listen(cli.port, done));
    const taken = await cli.run(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1']);
    server.close();
    assert.equal(taken.code, 69, taken.stderr);
    const missing = await cli.run(['start', 'nothing.js']);
    assert.equal(missing.code, 78);
    assert.match(missing.stderr, /there is no "[^"]*nothing\.js"/);
  });
});

describe('several apps', { concurrency: 2 }, () => {
  it('go on when the supervisor of another is killed, and the name can be taken again', async () => {
    await using cli = await openCli();
    await startWeb(cli, '--orphan', 'drain');
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'other', '-i', '1', ...quick], {
      env: { PORT: String(cli.port + 1) },
    });
    const { pid, workers } = await cli.snapshot('web');
    process.kill(pid, 'SIGKILL');
    await eventually('it and its workers are gone', () =>
      [pid, ...workers.map((worker) => worker.pid ?? 0)].every((one) => !isAlive(one)),
    );
    const list = await cli.ok(['status', '--json']);
    const apps = JSON.parse(list.stdout).apps.map(({ name, state }: { name: string; state: string }) => [name, state]);
    assert.deepEqual(apps, [
      ['other', 'running'],
      ['web', 'died'],
    ]);
    await cli.ok(['reload', 'other']);
    await startWeb(cli);
    assert.equal((await cli.snapshot('web')).state, 'running');
  });

  it('of a file start in order, are reloaded by name and stopped all at once; a changed file is applied', async () => {
    await using cli = await openCli();
    const config = (workers: number, colour: string) =>
      JSON.stringify({
        apps: ['one', 'two'].map((name, index) => ({
          name,
          entry: 'shows.cjs',
          workers,
          canaryTime: 0,
          env: { PORT: String(cli.port + index), COLOUR: colour },
        })),
      });
    cli.write(
      'shows.cjs',
      `require('node:http').createServer((_, res) => res.end(process.env.COLOUR)).listen(Number(process.env.PORT))`,
    );
    const path = cli.write('tutti.config.json', config(1, 'red'));
    const start = await cli.ok(['start']);
    assert.deepEqual(
      [...start.stdout.matchAll(/^✔ (\w+): started/gm)].map((match) => match[1]),
      ['one', 'two'],
    );

    writeFileSync(path, config(2, 'blue'));
    await cli.ok(['reload', 'two']);
    const body = async (index: number) => (await fetch({ port: cli.port + index, path: '/' })).body;
    assert.deepEqual([await body(0), await body(1)], ['red', 'blue']);
    assert.deepEqual([(await cli.snapshot('one')).target, (await cli.snapshot('two')).target], [1, 2]);

    const all = JSON.parse((await cli.ok(['reload', '--json'])).stdout);
    assert.deepEqual(
      all.results.map(({ app }: { app: string }) => app),
      ['one', 'two'],
    );
    assert.equal(await body(0), 'blue');
    const again = await cli.run(['start']);
    assert.equal(again.code, 6);
    await cli.ok(['stop', 'one']);
    assert.match((await cli.ok(['start'])).stdout, /two: runs already/);
    await cli.ok(['stop', 'one']);
    const file = await cli.ok(['stop', 'tutti.config.json']);
    assert.match(file.stderr, /^one: does not run$/m);
    assert.match(file.stdout, /^✔ two: stopped/m);
    assert.equal((await cli.run(['status'])).code, 5);
  });

  it('apply what a new configuration changes at the reload, say what waits for a restart, and roll it all back', async () => {
    await using cli = await openCli();
    const config = (more: object) =>
      JSON.stringify({
        name: 'web',
        entry: 'app.cjs',
        canaryTime: 0,
        workers: 1,
        env: { PORT: String(cli.port), COLOUR: 'red' },
        ...more,
      });
    cli.write(
      'app.cjs',
      `require('node:http').createServer((_, res) => res.end(process.env.COLOUR)).listen(Number(process.env.PORT))`,
    );
    const path = cli.write('tutti.config.json', config({}));
    await cli.ok(['start']);
    const colour = async () => (await fetch({ port: cli.port, path: '/' })).body;
    writeFileSync(
      path,
      config({
        workers: 2,
        maxRequests: 20,
        balance: 'kernel',
        logKeep: 3,
        env: { PORT: String(cli.port), COLOUR: 'blue' },
      }),
    );
    await cli.ok(['reload']);
    assert.deepEqual([await colour(), (await cli.snapshot('web')).target], ['blue', 2]);
    const { stdout } = await cli.ok(['events', 'web']);
    assert.match(stdout, /the new value of logKeep is held back: it takes more than a reload: tutti upgrade web/);
    await eventually('a worker is recycled by the new limit', async () => {
      await colour();
      return (await cli.client('web').recentEvents()).some(({ event }) => event.type === 'recycled');
    });
    await cli.ok(['rollback']);
    assert.deepEqual([await colour(), (await cli.snapshot('web')).target], ['red', 1]);
    writeFileSync(path, config({ workers: 'many' }));
    const wrong = await cli.run(['reload', 'web']);
    assert.equal(wrong.code, 1, wrong.stderr);
    assert.match(wrong.stderr, /workers must be "auto"/);
    assert.equal(await colour(), 'red');
  });

  it('are told apart: unknown names suggest, ambiguous commands ask', async () => {
    await using cli = await openCli();
    const nothing = await cli.run(['reload']);
    assert.equal(nothing.code, 5);
    await startWeb(cli, '-i', '1');
    const typo = await cli.run(['reload', 'wbe']);
    assert.equal(typo.code, 5);
    assert.match(typo.stderr, /Did you mean "web"\?/);
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'other', '-i', '1', ...quick], {
      env: { PORT: String(cli.port + 1) },
    });
    const which = await cli.run(['stop']);
    assert.equal(which.code, 64);
    assert.match(which.stderr, /2 run: other, web[\s\S]*tutti stop other/);
    await cli.ok(['stop', 'other']);
    cli.write('tutti.config.json', JSON.stringify({ name: 'mail', entry: cli.fixture('hello.cjs') }));
    const elsewhere = await cli.run(['stop']);
    assert.equal(elsewhere.code, 5, 'in the folder of mail, which does not run, web is not meant');
    assert.match(elsewhere.stderr, /nothing that runs came from ".*tutti.config.json"; what runs is web/);
    cli.write('tutti.config.json', JSON.stringify({ name: 'web', entry: cli.fixture('hello.cjs') }));
    await cli.ok(['stop', 'web']);
    await cli.ok(['start']);
    assert.match((await cli.ok(['recycle', '--json'])).stdout, /"app":"web"/);
    assert.equal((await cli.run(['scale', 'web', 'many'])).code, 64);
    assert.equal((await cli.run(['scale', 'web'])).code, 64);
    const none = await cli.run(['scale', 'web', '0']);
    assert.equal(none.code, 64);
    assert.match(none.stderr, /0 is not a number of workers: it is from 1 to 1024/);
    assert.equal((await cli.run(['recycle', 'web', '--slot', 'x'])).code, 64);
    assert.equal((await cli.run(['recycle', 'web', '--slot', '7'])).code, 6);
  });
});

describe('a reload', { concurrency: 2 }, () => {
  const good = `require('node:http').createServer((_, res) => res.end('good')).listen(Number(process.env.PORT))`;

  it('of bad code fails with the reason and the last lines, and changes nothing; a rollback goes back', async () => {
    await using cli = await openCli();
    const release = (name: string, code: string) => {
      mkdirSync(join(cli.dir, name));
      cli.write(join(name, 'app.cjs'), code);
      rmSync(join(cli.dir, 'current'), { force: true });
      symlinkSync(name, join(cli.dir, 'current'));
    };
    const body = async () => (await fetch({ port: cli.port, path: '/' })).body;
    release('v1', good);
    await cli.ok(['start', 'current/app.cjs', '-n', 'web', '-i', '2', ...quick]);

    release('v2', `console.error('reading the settings'); throw new Error('settings are wrong')`);
    const failed = await cli.run(['reload', 'web']);
    assert.equal(failed.code, 1, failed.stdout + failed.stderr);
    const frame = / {4}v2\/app\.cjs:1:46\n {4}> 1 \| .*settings are wrong/;
    assert.match(
      failed.stderr,
      /✖ web: reload refused, nothing changed: 2 of 2 workers run the old code \(generation 1\)\n {2}why: .*settings are wrong/,
    );
    assert.match(failed.stderr, frame);
    assert.doesNotMatch(failed.stderr, /careful/);
    assert.match(failed.stderr, /^ {2}\| .*reading the settings$/m);
    assert.equal(await body(), 'good');
    assert.equal((await cli.snapshot('web')).generation, 1);

    release('v3', good.replace('good', 'better'));
    await cli.ok(['reload', 'web']);
    assert.equal(await body(), 'better');
    await cli.ok(['rollback', 'web']);
    assert.equal(await body(), 'good');
  });

  it('of files that were overwritten in place is refused, says what a death would do now, and stays visible', async () => {
    await using cli = await openCli();
    cli.write('app.cjs', good);
    await cli.ok(['start', 'app.cjs', '-n', 'web', '-i', '2', ...quick]);
    cli.write('app.cjs', `throw new Error('settings are wrong')`);
    const { code, stderr } = await cli.run(['reload', 'web']);
    assert.equal(code, 1, stderr);
    const fact = /refused, nothing changed: 2 of 2 workers run the old code \(generation 1\)/;
    assert.match(stderr, fact);
    assert.match(stderr, /app\.cjs:1:7\n.*> 1 \| throw new Error/);
    assert.match(
      stderr,
      /careful: the old files were overwritten on disk: a worker that dies now is started from what is there/,
    );
    assert.doesNotMatch(stderr, /in part/);
    assert.equal((await fetch({ port: cli.port, path: '/' })).body, 'good');

    const { stdout: one } = await cli.ok(['status', 'web']);
    assert.match(one, fact);
    assert.match(one, /settings are wrong[\s\S]*app\.cjs:1:7[\s\S]*careful/);
    assert.match((await cli.ok(['status'])).stdout, /web +running, reload refused/);
    const doctor = await cli.run(['doctor']);
    assert.equal(doctor.code, 2);
    assert.match(doctor.stdout, fact);
    cli.write('app.cjs', good);
    await cli.ok(['reload', 'web']);
    for (const words of [['status'], ['status', 'web']]) assert.doesNotMatch((await cli.ok(words)).stdout, /refused/);
    assert.doesNotMatch((await cli.run(['doctor'])).stdout, /refused/);
  });

  it('goes on when the command is killed in the middle of it, and when its time is over', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '2', '--canary-time', '1s']);
    const command = cli.begin(['reload', 'web']);
    await eventually('the reload has begun', async () => (await cli.snapshot('web')).reload.state !== 'idle');
    command.process.kill('SIGKILL');
    assert.equal((await command.finished).signal, 'SIGKILL');
    const reloaded = async (generation: number) => {
      const { reload, generation: now } = await cli.snapshot('web');
      return now === generation && reload.state === 'idle' && reload.result === 'done';
    };
    await eventually('the reload has ended', () => reloaded(2));
    const late = await cli.run(['reload', 'web', '--timeout', '100ms']);
    assert.equal(late.code, 4, late.stdout + late.stderr);
    assert.match(late.stderr, /reload goes on/);
    await eventually('the reload has ended', () => reloaded(3));
    const interrupted = cli.begin(['reload', 'web']);
    await eventually('the reload has begun', async () => (await cli.snapshot('web')).reload.state !== 'idle');
    interrupted.process.kill('SIGINT');
    const { code, stderr } = await interrupted.finished;
    assert.equal(code, 4, stderr);
    await eventually('the reload has ended', () => reloaded(4));
  });

  it('answers 50 status calls that come at once', async () => {
    await using cli = await openCli();
    await startWeb(cli);
    const reload = cli.begin(['reload', 'web']);
    await eventually('the reload has begun', async () => (await cli.snapshot('web')).reload.state !== 'idle');
    const client = cli.client('web');
    const [snapshots, commands] = await Promise.all([
      Promise.all(Array.from({ length: 50 }, () => client.snapshot(30_000))),
      Promise.all(Array.from({ length: 3 }, () => cli.run(['status', 'web', '--json']))),
    ]);
    assert.ok(snapshots.every(({ name }) => name === 'web'));
    assert.deepEqual(
      commands.map(({ code }) => code),
      [0, 0, 0],
    );
    assert.equal((await reload.finished).code, 0);
  });
});

describe('events -f', () => {
  it('shows what happens until the app ends', async () => {
    await using cli = await openCli();
    await startWeb(cli);
    const follow = cli.begin(['events', 'web', '-f', '--lines', '0', '--json']);
    await eventually('it sees what another command does', async () => {
      await cli.ok(['recycle', 'web', '--slot', '0']);
      return follow.stdout().includes('recycled');
    });
    await cli.ok(['stop', 'web']);
    const { code, stdout } = await follow.finished;
    assert.equal(code, 0);
    const types = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event.type);
    assert.ok(types.includes('recycled') && types.includes('worker-exit'), types.join());
  });
});

describe('the rest of the command line', () => {
  it('has a doctor, who looks at the machine and at the apps, and changes nothing', async () => {
    await using cli = await openCli();
    await startWeb(cli, '-i', '1');
    const { code, stdout } = await cli.run(['doctor', '--json']);
    const { schema, findings } = JSON.parse(stdout);
    assert.equal(schema, 1);
    const of = (about: string) => findings.find((finding: { about: string }) => finding.about === about);
    assert.equal(of('app web').verdict, 'good');
    assert.equal(of('state folder').found, cli.home);
    assert.equal(code, findings.some(({ verdict }: { verdict: string }) => verdict === 'problem') ? 2 : 0);
    const elsewhere = await cli.run(['doctor'], { env: { TUTTI_HOME: cli.fixture('hello.cjs') } });
    assert.equal(elsewhere.code, 2);
    assert.match(elsewhere.stdout, /^✖ state folder .*is not a folder\n.*TUTTI_HOME/m);
  });

  it('explains every command with examples', async () => {
    await using cli = await openCli();
    const { stdout } = await cli.ok(['--help']);
    const names = [...stdout.matchAll(/^ {2}([a-z]+)(?:\|[a-z]+)?(?: \S.*)? {2,}\S/gm)].map((match) => match[1] ?? '');
    for (const name of ['run', 'start', 'status', 'top', 'reload', 'scale', 'completion'])
      assert.ok(names.includes(name), name);
    for (const name of [
      'status',
      'top',
      'reload',
      'rollback',
      'scale',
      'recycle',
      'stop',
      'restart',
      'delete',
      'events',
      'start',
    ]) {
      const help = await cli.ok([name, '--help']);
      assert.match(help.stdout, new RegExp(`Examples:\\n  tutti ${name}`), name);
    }
  });

  it('writes completion scripts that the shells accept', async () => {
    await using cli = await openCli();
    await startWeb(cli, '-i', '1');
    assert.equal((await cli.ok(['completion', 'names'])).stdout, 'web\n');
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { stdout } = await cli.ok(['completion', shell]);
      for (const word of ['reload', 'scale', 'fast', 'completion names'])
        assert.ok(stdout.includes(word), `${shell}: ${word}`);
      const path = cli.write(`completion.${shell}`, stdout);
      const checked = spawnSync(shell, ['-n', path], { encoding: 'utf8' });
      if (checked.error === undefined) assert.equal(checked.status, 0, `${shell}: ${checked.stderr}`);
    }
    const script = `source completion.bash; tutti() { "${process.execPath}" "${join(import.meta.dirname, '../../dist/bin.js')}" "$@"; }
COMP_WORDS=(tutti reload w); COMP_CWORD=2; _tutti; echo "\${COMPREPLY[@]}"
COMP_WORDS=(tutti re); COMP_CWORD=1; _tutti; echo "\${COMPREPLY[@]}"
COMP_WORDS=(tutti stop --f); COMP_CWORD=2; _tutti; echo "\${COMPREPLY[@]}"`;
    const completed = spawnSync('bash', ['-c', script], { cwd: cli.dir, env: cli.environment(), encoding: 'utf8' });
    assert.equal(completed.stdout, 'web\nresurrect reload recycle restart\n--fast\n', completed.stderr);
    assert.equal((await cli.run(['completion', 'powershell'])).code, 64);
  });

  it('cannot restart what another program runs, and says what to do', async () => {
    await using cli = await openCli();
    const run = cli.begin(['run', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', ...quick]);
    await eventually('it runs', async () => (await cli.snapshot('web')).state === 'running');
    const restart = await cli.run(['restart', 'web']);
    assert.equal(restart.code, 6);
    assert.match(restart.stderr, /tutti reload web/);
    await cli.ok(['stop', 'web']);
    assert.equal((await run.finished).code, 0);
    assert.match((await cli.run(['status'])).stdout, /^Nothing is running/);
  });
});
