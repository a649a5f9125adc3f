import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  environmentLayer,
  flagLayer,
  misspeltVariables,
  objectLayer,
  platformLayer,
  unusableConcurrency,
} from '../../../src/config/layers.ts';
import { type ResolveContext, resolveConfig } from '../../../src/config/resolve.ts';
import { TuttiError } from '../../../src/errors.ts';

const file = (values: Record<string, unknown>, folder = '/srv/shop') =>
  objectLayer('file', values, (key) => `tutti.config.ts: ${key}`, folder);

function resolve(layers: ResolveContext['layers'], more: Partial<ResolveContext> = {}) {
  return resolveConfig({
    layers,
    cwd: '/home/me',
    fileFolder: null,
    limits: () => ({ cpus: 3, allCpus: 3, quota: null, memoryBytes: null }),
    node: '/usr/bin/node',
    orphan: 'drain',
    alone: false,
    otherEnvironments: [],
    missingEntry: () => new TuttiError('ERR_CONFIG_MISSING', { folder: '/home/me' }),
    ...more,
  });
}

function problemsOf(action: () => unknown): { code: string; exitCode: number; problems: string[] } {
  try {
    action();
  } catch (error) {
    if (!(error instanceof TuttiError)) throw error;
    const { problems } = error.details as { problems: { source: string; message: string }[] };
    return { code: error.code, exitCode: error.exitCode, problems: problems.map((p) => `${p.source} ${p.message}`) };
  }
  throw new Error('nothing was refused');
}

test('a flag beats a variable beats the file beats the default, and each value says where it is from', () => {
  const layers = [
    flagLayer({ workers: ['2'] }, { entry: 'server.js' }, '/home/me'),
    environmentLayer({ TUTTI_WORKERS: '4', TUTTI_SURGE: '3' }, '/home/me'),
    file({ workers: 8, surge: 5, drainTimeout: '5s' }),
  ];
  const { config, sources } = resolve(layers);
  assert.deepEqual(config.workers, { min: 2, max: 2 });
  assert.equal(config.surge, 3);
  assert.equal(config.drainTimeoutMs, 5000);
  assert.equal(config.stopTimeoutMs, 3000);
  assert.equal(sources.workers, '--workers');
  assert.equal(sources.surge, 'TUTTI_SURGE');
  assert.equal(sources.drainTimeoutMs, 'tutti.config.ts: drainTimeout');
  assert.equal(sources.stopTimeoutMs, 'default');
});

test('auto is asked of the machine, and a range never turns round', () => {
  const workersOf = (workers: string) => resolve([file({ entry: 'a.js', workers })]).config.workers;
  assert.deepEqual(workersOf('auto'), { min: 3, max: 3 });
  assert.deepEqual(workersOf('1..auto'), { min: 1, max: 3 });
  assert.deepEqual(workersOf('5..auto'), { min: 5, max: 5 });
});

test('auto is counted again from other limits, and what does not depend on them is not', () => {
  const recountOf = (workers: string) => resolve([file({ entry: 'a.js', workers })]).recount;
  const limits = { cpus: 6, allCpus: 8, quota: null, memoryBytes: null };
  assert.deepEqual(recountOf('auto')?.(limits), { min: 6, max: 6 });
  assert.deepEqual(recountOf('2..auto')?.(limits), { min: 2, max: 6 });
  assert.deepEqual(recountOf('auto')?.({ ...limits, memoryBytes: 2 ** 28 }), { min: 1, max: 1 });
  assert.equal(recountOf('4'), null);
  assert.equal(recountOf('max'), null);
});

test('WEB_CONCURRENCY lies below the file and above auto; what it cannot mean has no effect', () => {
  const workersOf = (WEB_CONCURRENCY: string, values: Record<string, unknown> = {}) => {
    const layer = platformLayer({ WEB_CONCURRENCY }, '/home/me');
    const { config, sources } = resolve([file({ entry: 'a.js', ...values }), ...(layer === null ? [] : [layer])]);
    return [config.workers.max, sources.workers];
  };
  assert.deepEqual(workersOf('5'), [5, 'WEB_CONCURRENCY']);
  assert.deepEqual(workersOf(' 5 '), [5, 'WEB_CONCURRENCY']);
  assert.deepEqual(workersOf('5', { workers: 2 }), [2, 'tutti.config.ts: workers']);
  assert.deepEqual(workersOf('5', { workers: 'auto' }), [3, 'tutti.config.ts: workers']);
  for (const odd of ['0', '-1', '2.5', 'auto', '1..4', '100000', '1e2']) {
    assert.deepEqual(workersOf(odd), [3, 'default'], odd);
    assert.equal(unusableConcurrency({ WEB_CONCURRENCY: odd }).length, 1, odd);
  }
  assert.deepEqual(unusableConcurrency({ WEB_CONCURRENCY: '' }), []);
  assert.deepEqual(unusableConcurrency({}), []);
});

test('relative paths belong to the place that names them', () => {
  const { config } = resolve([
    flagLayer({ envFile: ['.env'] }, {}, '/home/me'),
    file({ entry: 'dist/server.js', cwd: '..', logFile: 'log/out.log' }),
  ]);
  assert.equal(config.entry, '/srv/shop/dist/server.js');
  assert.equal(config.cwd, '/srv');
  assert.equal(config.logFile, '/srv/shop/log/out.log');
  assert.deepEqual(config.envFile, ['/home/me/.env']);
});

test('the working folder is that of the file, else the current one', () => {
  assert.equal(resolve([file({ entry: 'a.js' })], { fileFolder: '/srv/shop' }).config.cwd, '/srv/shop');
  assert.equal(resolve([file({ entry: 'a.js' })]).config.cwd, '/home/me');
});

test('environments add up: file, named environment, variable, flag', () => {
  const { config } = resolve([
    flagLayer({ env: ['D=flag', 'URL=http://x/?a=b'], envName: ['production'] }, {}, '/'),
    environmentLayer({ TUTTI_ENV: 'C=variable D=variable' }, '/'),
    file({
      entry: 'a.js',
      env: { A: 'file', B: 'file', C: 'file', PORT: 8000, DEBUG: true },
      envs: { production: { B: 'named', C: 'named' }, test: { A: 'other' } },
    }),
  ]);
  assert.deepEqual(config.env, {
    A: 'file',
    B: 'named',
    C: 'variable',
    D: 'flag',
    PORT: '8000',
    DEBUG: 'true',
    URL: 'http://x/?a=b',
  });
});

test('a spare has no slot, and so no port of its own', () => {
  const refused = problemsOf(() => resolve([flagLayer({ balance: ['ports'], spares: ['1'] }, { entry: 'a.js' }, '/')]));
  assert.match(refused.problems.join(), /^--spares must be 0 with balance "ports", .* got 1\.$/);
});

test('all problems are told at once, each with its place, its rule and its value', () => {
  const refused = problemsOf(() =>
    resolve([
      flagLayer({ workers: ['many'], drainTimeout: ['-5s'], env: ['OOPS'] }, { entry: 'a.js' }, '/'),
      environmentLayer({ TUTTI_BALANCE: 'magic' }, '/'),
      file({ worker: 2, probe: 'healthz', env: { GOOD: '1', BAD: null }, args: 'x' }),
    ]),
  );
  assert.equal(refused.code, 'ERR_CONFIG_INVALID');
  assert.equal(refused.exitCode, 78);
  assert.deepEqual(refused.problems.toSorted(), [
    '--drain-timeout must be a duration such as 500ms, 30s, 5m or 2h (a bare number is milliseconds), not negative, got "-5s".',
    '--env must be names and values: K=V on the command line, an object of texts in a file, got "OOPS".',
    '--workers must be "auto", "max", "max-1", a whole number from 1 to 1024, or a range such as 2..8, got "many".',
    'TUTTI_BALANCE must be one of least-connections, kernel, round-robin, ip-hash, ports, got "magic".',
    'tutti.config.ts: args must be a list of strings, got "x".',
    'tutti.config.ts: env.BAD must be names and values: K=V on the command line, an object of texts in a file, got null.',
    'tutti.config.ts: probe must be a path that begins with /, such as /healthz, got "healthz".',
    'tutti.config.ts: worker is not an option; did you mean "workers"?',
  ]);
});

test('wrong flags alone are a usage error', () => {
  const refused = problemsOf(() => resolve([flagLayer({ workers: ['0'] }, { entry: 'a.js' }, '/')]));
  assert.equal(refused.code, 'ERR_FLAGS_INVALID');
  assert.equal(refused.exitCode, 64);
});

test('an environment that is not there is refused with those that are', () => {
  const refused = problemsOf(() =>
    resolve([flagLayer({ envName: ['prod'] }, { entry: 'a.js' }, '/'), file({ envs: { production: {}, test: {} } })]),
  );
  assert.deepEqual(refused.problems, ['--env-name must be one of production, test, got "prod".']);
});

test('an empty variable is no value', () => {
  const { sources } = resolve([environmentLayer({ TUTTI_WORKERS: '' }, '/'), file({ entry: 'a.js' })]);
  assert.equal(sources.workers, 'default');
});

test('without an entry the caller decides what to say', () => {
  assert.throws(() => resolve([file({ workers: 2 })]), { code: 'ERR_CONFIG_MISSING' });
});

test('the name is given, or that of the program', () => {
  assert.equal(resolve([file({ entry: 'a.js', name: 'shop' })]).config.name, 'shop');
  assert.equal(resolve([file({ entry: 'my server.js' })]).config.name, 'my-server');
  assert.equal(resolve([file({ entry: 'all.js' })]).config.name, 'app');
});

test('a misspelt variable is noticed, a foreign one is not', () => {
  assert.deepEqual(
    misspeltVariables({ TUTTI_WORKER: '2', TUTTI_SERVICE_HOST: '10.0.0.1', TUTTI_PORT: 'tcp://', TUTTI_HOME: '/x' }),
    ['The variable TUTTI_WORKER is not an option and has no effect; did you mean TUTTI_WORKERS?'],
  );
});
