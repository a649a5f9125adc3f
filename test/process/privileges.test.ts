// Promise: started by root with --user, the workers have the rights of that user alone and no way back, while the app does all that it
// does otherwise; and what cannot be done is refused in words before anything runs. It takes root.

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Cli, openCli } from '../support/cli.ts';
import { canBind } from '../support/free-port.ts';
import { assertNothingLost, Load } from '../support/load.ts';

const NOBODY = 65534;
const few = ['-i', '2', '--canary-time', '0', '--config', 'none'];

/** Its programs and its temporary folder are open to all, as on a server; the state folder stays root's. */
async function open(t: TestContext): Promise<Cli | null> {
  if (process.getuid?.() !== 0) {
    t.skip('this is not root');
    return null;
  }
  const cli = await openCli();
  const base = dirname(cli.home);
  chmodSync(base, 0o755);
  chmodSync(cli.dir, 0o755);
  chmodSync(join(base, 'tmp'), 0o1777);
  return cli;
}

/** As the kernel has it. */
function rights(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  const fields = lines.map((line) => line.split(/:\s*/) as [string, string]);
  return Object.fromEntries(fields.map(([name, value]) => [name, (value ?? '').trim().replaceAll('\t', ' ')]));
}

function files(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
}

test('as another user: its rights alone, a port below 1024, its own unix socket, reloads under load, and looks into it', async (t) => {
  await using cli = await open(t);
  if (cli === null) return;
  const sockets = join(cli.dir, 'sockets');
  mkdirSync(sockets);
  chownSync(sockets, NOBODY, NOBODY);
  const low = await lowPort();
  const program = cli.write(
    'server.cjs',
    `require(${JSON.stringify(cli.fixture('hello.cjs'))});
    require('node:http').createServer((request, response) => response.end()).listen(${low}, '127.0.0.1');
    require('node:net').createServer().listen(${JSON.stringify(join(sockets, 'app.sock'))});`,
  );
  const started = await cli.run(['start', program, '-n', 'web', ...few, '--user', 'nobody']);
  if (/ERR_ACCOUNT_REACH/.test(started.stderr)) return t.skip(`this checkout is open to root alone: ${started.stderr}`);
  assert.equal(started.code, 0, started.stderr);
  const { pid, workers } = await cli.snapshot('web');
  for (const worker of workers) {
    const { Uid, Gid, Groups, CapEff, CapPrm } = rights(worker.pid ?? 0);
    assert.deepEqual(
      { Uid, Gid, Groups, CapEff, CapPrm },
      {
        Uid: Array(4).fill(NOBODY).join(' '),
        Gid: Array(4).fill(NOBODY).join(' '),
        Groups: '',
        ...{ CapEff: '0000000000000000', CapPrm: '0000000000000000' },
      },
    );
    assert.ok(
      files(worker.pid ?? 0).some((path) => path.endsWith('.scoreboard')),
      'it writes on the scoreboard',
    );
  }
  assert.equal(rights(pid).Uid, '0 0 0 0');
  assert.equal(statSync(join(sockets, 'app.sock')).uid, NOBODY);
  await using load = new Load({ port: cli.port, keepAlive: 20, fresh: 5 });
  await load.more(200);
  await cli.ok(['reload', 'web']);
  await cli.ok(['scale', 'web', '3']);
  await cli.ok(['recycle', 'web', '--slot', '0']);
  assertNothingLost(await load.stop());
  assert.ok(
    (await cli.snapshot('web')).workers.every((worker) => rights(worker.pid ?? 0).Uid?.startsWith(`${NOBODY} `)),
  );
  const heap = join(cli.dir, 'own.heapsnapshot');
  await cli.ok(['heap', 'web', '--slot', '0', '--out', heap]);
  await cli.ok(['profile', 'web', '--slot', '0', '--seconds', '0.1', '--out', join(cli.dir, 'own.cpuprofile')]);
  assert.equal(statSync(heap).uid, 0);
  assert.equal(statSync(heap).mode & 0o777, 0o600);
  JSON.parse(readFileSync(heap, 'utf8'));
  await cli.ok(['stop', 'web']);
  assert.ok(!existsSync(join(sockets, 'app.sock')));
  const left = readdirSync(join(dirname(cli.home), 'tmp')).filter((name) => name.startsWith('tutti-'));
  assert.deepEqual(left, []);
});

test('what cannot be done is refused in words: an unknown user, a program out of its reach, a log that it could lead elsewhere', async (t) => {
  await using cli = await open(t);
  if (cli === null) return;
  const program = cli.write('server.cjs', `require(${JSON.stringify(cli.fixture('hello.cjs'))})`);
  const secret = cli.write('secret.cjs', '');
  chmodSync(secret, 0o600);
  const log = join(cli.dir, 'logs', 'web.log');
  mkdirSync(dirname(log));
  chownSync(dirname(log), NOBODY, NOBODY);
  const refusals: [string[], number, RegExp][] = [
    [[program, '--user', 'no-such-user'], 78, /no such user.*ERR_ACCOUNT_UNKNOWN/s],
    [[program, '--user', 'nobody', '--group', 'no-such-group'], 78, /no such group.*ERR_ACCOUNT_UNKNOWN/s],
    [[program, '--user', '4123456'], 77, /give one with --group.*ERR_ACCOUNT_REFUSED/s],
    [[program, '--group', 'nogroup'], 77, /--group needs --user/],
    [[secret, '--user', 'nobody'], 77, /secret\.cjs" \(EACCES\).*ERR_ACCOUNT_REACH/s],
    [[program, '--user', 'nobody', '--log-file', log], 78, /it belongs to user 65534.*ERR_LOG_FILE/s],
  ];
  for (const [args, code, said] of refusals) {
    const { code: got, stderr } = await cli.run(['run', ...args, ...few]);
    assert.equal(got, code, stderr);
    assert.match(stderr, said);
  }
  assert.deepEqual(cli.processes(), []);
  // Without root: as itself it may, as somebody else it may not.
  cli.prefix = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const other = await cli.run(['run', program, ...few, '--user', 'daemon'], {
    env: { TUTTI_HOME: join(cli.dir, 'home') },
  });
  cli.prefix = [];
  assert.equal(other.code, 77, other.stderr);
  assert.match(other.stderr, /only root may start processes as somebody else, and this is user 65534/);
});

/** One below 1024 on which nobody listens. */
async function lowPort(): Promise<number> {
  for (let port = 1023; port > 900; port--) if (await canBind(port)) return port;
  throw new Error('no port below 1024 is free');
}
