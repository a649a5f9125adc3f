import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MachineFacts } from '../../../src/app/facts/machine.ts';
import { unitFactsOf } from '../../../src/app/facts/running-process.ts';
import { stopGraceOf } from '../../../src/app/facts/stop-grace.ts';
import { diagnose } from '../../../src/cli/doctor/diagnose.ts';
import type { AppFacts } from '../../../src/cli/doctor/diagnose-app.ts';
import type { Standing } from '../../../src/supervisor/picture/standing.ts';

const well: MachineFacts = {
  platform: 'linux',
  node: '24.1.0',
  privateParts: null,
  cpus: { count: 2, quota: 1.5, affinity: 4, from: 'cpu.max' },
  memory: { limitBytes: 512 * 2 ** 20, freeBytes: 2 ** 20 },
  openFiles: 1_048_576,
  backlog: 4096,
  counters: { folder: '/dev/shm', inMemory: true },
  state: { folder: '/home/me/.tutti', problem: null },
  now: Date.parse('2026-11-29'),
  clockIsKept: true,
};

const app: AppFacts = {
  ...{ name: 'web', state: 'running', reason: null, version: '1.0.0', circuitOpen: false },
  ...{ stopWithinMs: 28_000, grace: null, shortfall: null, node: 'v24.1.0', listeners: [], oneClient: null },
  running: { openFiles: 1_048_576, zombies: null, workersAreRoot: false, unit: null },
};

describe('the doctor', () => {
  it('finds nothing where nothing is amiss', () => {
    const findings = diagnose(well, [app], '1.0.0');
    assert.ok(findings.every(({ verdict, advice }) => verdict === 'good' && advice === null));
    assert.deepEqual(findings.find(({ about }) => about === 'CPUs')?.found, '2, by a quota of 1.5');
  });

  it('says nothing of what cannot be read', () => {
    const findings = diagnose({ ...well, openFiles: null, backlog: null, memory: null }, [], '1.0.0');
    assert.ok(!findings.some(({ about }) => about === 'open files' || about === 'waiting connections'));
  });

  for (const [what, change, about, verdict, advice] of [
    ['few descriptors', { openFiles: 1024 }, 'open files', 'problem', /LimitNOFILE/],
    ['a short queue', { backlog: 128 }, 'waiting connections', 'note', /somaxconn/],
    ['a Node that is unknown', { privateParts: 'it is gone' }, 'connections', 'note', /newer tutti/],
    ['no place for counters', { counters: null }, 'counters', 'problem', /\/dev\/shm/],
    ['counters on a disk', { counters: { folder: '/tmp', inMemory: false } }, 'counters', 'note', /\/dev\/shm/],
    [
      'a state folder of others',
      { state: { folder: '/x', problem: 'not yours' } },
      'state folder',
      'problem',
      /TUTTI_HOME/,
    ],
    ['a Node.js without security fixes', { node: '20.20.2' }, 'Node.js', 'note', /Node\.js 26.*tutti upgrade/],
    ['a clock that nobody keeps right', { clockIsKept: false }, 'clock', 'note', /timedatectl set-ntp/],
    ['another system', { platform: 'darwin' }, 'platform', 'note', /control groups/],
  ] as const) {
    it(`tells the remedy of ${what}`, () => {
      const finding = diagnose({ ...well, ...change }, [], '1.0.0').find((one) => one.about === about);
      assert.equal(finding?.verdict, verdict);
      assert.match(finding?.advice ?? '', advice);
    });
  }

  it('names a deploy that was refused, what runs instead, and what to look out for', () => {
    const standing: Standing = {
      ...{ change: 'unchanged', old: 2, new: 0, mixed: 0, wanted: 2, headline: 'refused, nothing changed' },
      ...{ summary: '2 of 2 workers run the old code (generation 1)', warning: 'the old files were overwritten' },
    };
    const facts: AppFacts = { ...app, shortfall: { what: 'reload', why: 'Error: boom', standing } };
    const finding = diagnose(well, [facts], '1.0.0').at(-1);
    assert.deepEqual([finding?.about, finding?.verdict], ['reload of web', 'problem']);
    assert.match(finding?.found ?? '', /^refused, nothing changed: 2 of 2 workers run the old code/);
    assert.match(finding?.advice ?? '', /boom.*overwritten.*tutti reload web/);
  });

  it('says where an app may be killed before it has stopped', () => {
    const found = (env: Record<string, string>, isContainer = false, stopWithinMs: number | null = 28_000) => {
      const finding = diagnose(well, [{ ...app, stopWithinMs, grace: stopGraceOf(env, 7, isContainer) }], '1.0.0').at(
        -1,
      );
      return finding?.about === 'stop of web' ? `${finding.found}. ${finding.advice}` : null;
    };
    assert.match(found({}, true) ?? '', /^may take 28 s; docker stop kills after 10 s.*give it 30 s \(docker stop -t/);
    assert.match(found({ K_SERVICE: 'web' }) ?? '', /Cloud Run kills after 10 s.*less than 10 s together\.$/);
    assert.match(found({ DYNO: 'web.1' }, true, 30_000) ?? '', /Heroku kills after 30 s/);
    for (const env of [
      { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
      { ECS_CONTAINER_METADATA_URI_V4: 'x' },
      { DYNO: 'x' },
    ]) {
      assert.equal(found(env, true), null);
    }
    assert.equal(found({ SYSTEMD_EXEC_PID: '7' }), null);
    assert.match(found({ SYSTEMD_EXEC_PID: '7' }, false, 100_000) ?? '', /systemd kills after 90 s.*TimeoutStopSec=/);
    assert.equal(found({ SYSTEMD_EXEC_PID: '6' }, false, 100_000), null);
    assert.equal(found({}, true, null), null);
  });

  const running = { openFiles: 1_048_576, zombies: null, workersAreRoot: false, unit: null };
  const http = { protocol: 'tcp', port: 3000, scheme: 'http', keepAliveMs: 5000 } as const;
  for (const [what, change, about, verdict, found, advice] of [
    [
      'a keep-alive shorter than that of the balancer',
      { listeners: [http], grace: stopGraceOf({ ECS_CONTAINER_METADATA_URI: 'x' }, 7, true) },
      'keep-alive of web',
      'note',
      /after 5 s; an Application Load Balancer keeps them for 60 s/,
      /--keep-alive-timeout 65s/,
    ],
    [
      'one client for ip-hash',
      { oneClient: '10.0.0.9' },
      'balance of web',
      'problem',
      /from 10\.0\.0\.9/,
      /--balance ports/,
    ],
    [
      'workers that run as root',
      { running: { ...running, workersAreRoot: true } },
      'user of web',
      'note',
      /root/,
      /--user/,
    ],
    [
      'few descriptors of the app alone',
      { running: { ...running, openFiles: 1024 } },
      'open files of web',
      'problem',
      /1024/,
      /ulimit/,
    ],
    [
      'the dead of a container',
      { running: { ...running, zombies: 3 } },
      'process 1 of web',
      'note',
      /3 that ended/,
      /--init/,
    ],
    [
      'an old Node.js of the app alone',
      { node: 'v22.1.0' },
      'Node.js of web',
      'note',
      /v22\.1\.0.*since 2027-04-30/,
      /upgrade/,
    ],
    [
      'a unit that ends all for one',
      {
        running: {
          ...running,
          unit: { name: 'web.service', killMode: 'control-group', oomPolicy: 'stop', stopMs: 90_000 },
        },
      },
      'unit of web',
      'note',
      /web\.service: KillMode=control-group, OOMPolicy=stop/,
      /KillMode=mixed.*OOMPolicy=continue.*service install/,
    ],
  ] as const) {
    it(`tells the remedy of ${what}`, () => {
      const now = Date.parse('2027-05-02');
      const all = diagnose({ ...well, now }, [{ ...app, ...change }], '1.0.0');
      const finding = all.find((one) => one.about === about);
      assert.equal(finding?.verdict, verdict, JSON.stringify(all));
      assert.match(finding?.found ?? '', found);
      assert.match(finding?.advice ?? '', advice);
    });
  }

  it('is content with a keep-alive that nobody is known to outlast, and with a unit that is right', () => {
    const unit = unitFactsOf(
      'web.service',
      7,
      'MainPID=7\nKillMode=mixed\nOOMPolicy=continue\nTimeoutStopUSec=1min 33s\n',
    );
    assert.deepEqual(unit, { name: 'web.service', killMode: 'mixed', oomPolicy: 'continue', stopMs: 93_000 });
    assert.equal(
      unitFactsOf('ssh.service', 8, 'MainPID=7\nKillMode=process\n'),
      null,
      'it was only started from there',
    );
    const findings = diagnose(well, [{ ...app, listeners: [http], running: { ...running, unit } }], '1.0.0');
    assert.ok(findings.every(({ verdict }) => verdict === 'good'));
    assert.ok(findings.some(({ found }) => /closed after 5 s/.test(found)));
  });

  it('asks systemd itself how long it waits, where it can', () => {
    const grace = { platform: 'systemd', ms: 20_000, setting: 'TimeoutStopSec= of web.service', isSure: true };
    const finding = diagnose(well, [{ ...app, grace }], '1.0.0').find(({ about }) => about === 'stop of web');
    assert.match(finding?.found ?? '', /systemd kills after 20 s$/);
  });

  it('knows apps that are silent, in a crash loop, or of another version', () => {
    const apps = [
      { ...app, name: 'silent', state: null, version: null, reason: 'it did not answer within 3000 ms' },
      { ...app, name: 'loops', circuitOpen: true },
      { ...app, name: 'old', version: '0.9.0' },
    ];
    const verdicts = diagnose(well, apps, '1.0.0').slice(-3);
    assert.deepEqual(
      verdicts.map(({ verdict }) => verdict),
      ['problem', 'problem', 'note'],
    );
    assert.match(verdicts[2]?.advice ?? '', /tutti restart old/);
  });

  it('tells orphans that serve on from those that finish, and knows who died', () => {
    const left = { name: 'web', primary: 7, workers: [{ pid: 8 }, { pid: 9 }], holding: 2 };
    const [serving, unknown, draining, dead] = diagnose(
      well,
      [],
      '1.0.0',
      [
        { ...left, serving: { forMs: 90_000 } },
        { ...left, serving: { forMs: null } },
        { ...left, serving: null, holding: 0 },
      ],
      [{ name: 'api', pid: 5, isBefore: false }],
    ).slice(-4);
    assert.match(serving?.found ?? '', /\(pid 7\): 8, 9; they serve on, for 1.5 min at most$/);
    assert.match(serving?.advice ?? '', /without a pause: tutti start web.*tutti stop web/);
    assert.match(unknown?.found ?? '', /they serve on$/);
    assert.equal(draining?.verdict, 'note');
    assert.deepEqual([dead?.about, dead?.verdict], ['app api', 'problem']);
    assert.match(dead?.found ?? '', /supervisor \(pid 5\) was killed/);
  });
});
