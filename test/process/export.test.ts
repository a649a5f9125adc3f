// Promise: tutti export writes what it says, a second time changes nothing, and what somebody changed by hand is not lost.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { openCli } from '../support/cli.ts';

const server = "require('node:http').createServer((_, to) => to.end()).listen(process.env.PORT);";

test('the files of an app are written once, and written over only where nobody has changed them', async () => {
  await using cli = await openCli();
  cli.write('server.cjs', server);
  cli.write('package.json', '{"name":"shop","version":"1.4.0","dependencies":{"tutti":"1"}}');
  const docker = (...more: string[]) => cli.run(['export', 'docker', 'server.cjs', '--out', 'out', ...more]);
  const read = (name: string): string => readFileSync(join(cli.dir, 'out', name), 'utf8');

  const first = await docker();
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /out\/Dockerfile: written, .*\n.*out\/\.dockerignore: written, /);
  assert.match(read('Dockerfile'), /^CMD \["server\.cjs"\]$/m);
  assert.match((await docker()).stdout, /Dockerfile: unchanged/);

  const other = await docker('--port', '8080');
  assert.match(other.stdout, /Dockerfile: written anew/);
  assert.match(read('Dockerfile'), /^EXPOSE 8080$/m);

  const mine = read('Dockerfile').replace('EXPOSE 8080', 'EXPOSE 80');
  writeFileSync(join(cli.dir, 'out/Dockerfile'), mine);
  writeFileSync(join(cli.dir, 'out/.dockerignore'), 'mine\n');
  const refused = await docker();
  assert.equal(refused.code, 6);
  assert.match(refused.stderr, /out\/Dockerfile" and ".*out\/\.dockerignore".*--force/s);
  assert.equal(read('Dockerfile'), mine);
  assert.equal((await docker('--force')).code, 0);
  assert.match(read('Dockerfile'), /^EXPOSE 3000$/m);
});

test('every app of a file is in one description, and what the command line says is in it', async () => {
  await using cli = await openCli();
  cli.write('server.cjs', server);
  cli.write('tutti.config.json', '{"apps":[{"name":"web","entry":"server.cjs"},{"name":"api","entry":"server.cjs"}]}');
  const compose = await cli.run(['export', 'compose', '--drain-timeout', '60s', '--env', 'KEY=s3cret']);
  assert.equal(compose.code, 0, compose.stderr);
  assert.doesNotMatch(compose.stdout, /s3cret/);
  const { services } = parse(compose.stdout);
  assert.deepEqual(Object.keys(services), ['web', 'api']);
  assert.deepEqual(services.api.command, ['--name', 'api']);
  assert.equal(services.api.environment.TUTTI_DRAIN_TIMEOUT, '60s');
  assert.equal(services.api.stop_grace_period, '65s');

  const one = await cli.run(['export', 'kubernetes', 'api']);
  const [deployment] = parseAllDocuments(one.stdout)
    .map((document) => document.toJS())
    .filter(Boolean);
  assert.deepEqual(deployment.spec.template.spec.containers[0].args, ['--name', 'api']);
});

test('what cannot be meant is said, with the way out', async () => {
  await using cli = await openCli();
  cli.write('server.cjs', server);
  const told: [string[], number, RegExp][] = [
    [['nomad', 'server.cjs'], 64, /"nomad" is not what can be exported to.*docker, compose/s],
    [['docker', 'server.cjs', '--cpus', '2'], 64, /--cpus means nothing to docker/],
    [['compose', 'server.cjs', '--memory', 'lots', '--port', '0'], 64, /--port must.*"0".*--memory must.*"lots"/s],
    [['swarm', 'server.cjs', '--balance', 'ports'], 64, /balance ports means nothing to swarm/],
    [['docker', '/etc/hostname.js'], 78, /hostname\.js/],
    [['docker', cli.fixture('hello.cjs')], 64, /must lie in the folder where tutti export is typed/],
    [['docker', 'server.cjs', '--out', 'server.cjs'], 77, /it is not a folder/],
    [['docker', 'server.cjs', '--image', 'a b'], 64, /--image must be the name of an image/],
  ];
  for (const [argv, code, pattern] of told) {
    const { code: got, stderr, stdout } = await cli.run(['export', ...argv]);
    assert.equal(got, code, `${argv.join(' ')}: ${stderr}`);
    assert.match(stderr, pattern);
    assert.equal(stdout, '');
  }
});
