import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importPm2, looksLikePm2 } from '../../../src/config/pm2.ts';
import { configText } from '../../../src/config/write/config-text.ts';

test('importPm2() carries over what tutti has', () => {
  const { apps, lost } = importPm2({
    apps: [
      {
        name: 'web',
        script: './server.js',
        args: `--port 80 --title 'two words'`,
        instances: 'max',
        exec_mode: 'cluster',
        cwd: '/srv/web',
        node_args: ['--max-old-space-size=300'],
        env: { NODE_ENV: 'development', FEATURES: { a: 1 } },
        env_production: { NODE_ENV: 'production' },
        increment_var: 'PORT',
        wait_ready: true,
        listen_timeout: 5000,
        kill_timeout: '10s',
        max_memory_restart: '300M',
        cron_restart: '0 4 * * *',
        watch: ['src'],
        ignore_watch: ['node_modules'],
        stop_exit_codes: [0, 3],
        shutdown_with_message: true,
        out_file: 'out.log',
        error_file: 'out.log',
        log_type: 'json',
        filter_env: ['SECRET'],
      },
    ],
  });
  assert.deepEqual(lost, []);
  assert.deepEqual(apps, [
    {
      name: 'web',
      entry: '/srv/web/server.js',
      args: ['--port', '80', '--title', 'two words'],
      workers: 'max',
      cwd: '/srv/web',
      nodeArgs: ['--max-old-space-size=300'],
      env: { NODE_ENV: 'development', FEATURES: '{"a":1}' },
      envs: { production: { NODE_ENV: 'production' } },
      incrementVar: 'PORT',
      ready: 'message',
      startTimeout: 5000,
      drainTimeout: '10s',
      stopTimeout: '10s',
      maxMemory: '300M',
      cron: '0 4 * * *',
      watch: ['/srv/web/src'],
      watchIgnore: ['/srv/web/node_modules'],
      stopExitCodes: [0, 3],
      shutdownMessage: true,
      logFile: '/srv/web/out.log',
      logFormat: 'json',
      dropEnv: ['SECRET*'],
      stopSignal: 'SIGINT',
    },
  ]);
});

test('importPm2() says what it could not carry over, and why', () => {
  const { apps, lost } = importPm2({
    apps: [{ name: 'my app', script: 'a.js', namespace: 'a', max_restarts: 10, treekill: false, wibble: 1 }],
    deploy: { production: {} },
  });
  assert.deepEqual(apps, [{ name: 'my-app', entry: 'a.js', stopSignal: 'SIGINT', workers: 1 }]);
  assert.deepEqual(
    lost.map(({ app, key }) => [app, key]),
    [
      [null, 'deploy'],
      ['my-app', 'name'],
      ['my-app', 'namespace'],
      ['my-app', 'max_restarts'],
      ['my-app', 'wibble'],
    ],
  );
  assert.ok(lost.every(({ why }) => why.length > 10));
});

test('importPm2() leaves out what is no program of Node.js, and looks for the others in their own folder', () => {
  const { apps, lost } = importPm2([
    { script: 'a.py', interpreter: 'python3' },
    { script: 'npm', args: 'start' },
    { script: 'sleep 100 && echo done' },
    { script: 'b.ts', interpreter: 'ts-node', cwd: 'back' },
    { script: 'c.js', interpreter: '/opt/node/bin/node' },
  ]);
  const common = { stopSignal: 'SIGINT', workers: 1 };
  assert.deepEqual(apps, [
    { entry: './back/b.ts', cwd: 'back', ...common },
    { entry: 'c.js', node: '/opt/node/bin/node', ...common },
  ]);
  assert.deepEqual(
    lost.map(({ app, key }) => [app, key]),
    [
      ['a', 'interpreter'],
      ['npm', 'script'],
      ['sleep-100-echo-done', 'script'],
    ],
  );
});

test('importPm2() writes both streams to one file, and to none only if neither is wanted', () => {
  const logFile = (more: object) => importPm2({ script: 'a.js', ...more }).apps[0]?.logFile;
  assert.equal(logFile({ out_file: '/dev/null', error_file: 'err.log', cwd: '/srv' }), '/srv/err.log');
  assert.equal(logFile({ error_file: 'err.log', out_file: 'out.log' }), 'out.log');
  assert.equal(logFile({ out: 'NULL', error: '/dev/null' }), '/dev/null');
  assert.equal(logFile({}), undefined);
});

test('importPm2() reads instances as PM2 does', () => {
  const workers = (instances: unknown) => importPm2({ script: 'a.js', instances }).apps[0]?.workers;
  assert.deepEqual([4, '3', 0, 'max', -100].map(workers), [4, 3, 'max', 'max', 'max-100']);
});

test('looksLikePm2() tells the two kinds of file apart', () => {
  assert.ok(looksLikePm2({ apps: [{ script: 'a.js' }] }));
  assert.ok(!looksLikePm2({ apps: [{ entry: 'a.js' }] }));
  assert.ok(!looksLikePm2('a.js'));
});

test('configText() writes a configuration that reads back the same', () => {
  const apps = [{ name: "it's", entry: './a "b".js', args: ['\\', '\n'], env: { 'A-B': '1' }, watch: true }];
  const text = configText(apps);
  const read: unknown = new Function(
    'defineConfig',
    text.replace(/^import.*\n/, '').replace('export default', 'return'),
  )((value: unknown) => value);
  assert.deepEqual(read, apps[0]);
  assert.match(configText([...apps, ...apps]), /apps: \[\n {4}\{\n {6}name: 'it\\'s',/);
});

test("an app's own env lies over what the file has put into the environment", () => {
  const { apps } = importPm2({ apps: [{ script: 'a.js', env: { MODE: 'own' } }] }, { MODE: 'file', SECRET: 's' });
  assert.deepEqual(apps[0]?.env, { MODE: 'own', SECRET: 's' });
});

test('importPm2() knows the regular expression that PM2 showed for dotfiles, and says of others that they have no effect', () => {
  const { apps, lost } = importPm2({
    script: 'a.js',
    ignore_watch: ['[\\/\\\\]\\./', 'node_modules', 'tmp/*.log', '\\.git$', {}],
  });
  assert.deepEqual(apps[0]?.watchIgnore, ['**/.*', 'node_modules', 'tmp/*.log']);
  assert.deepEqual(
    lost.map(({ key }) => key),
    ['ignore_watch', 'ignore_watch'],
  );
});
