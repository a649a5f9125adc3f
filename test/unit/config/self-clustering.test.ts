import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { selfClusteringWarnings } from '../../../src/config/entry/self-clustering.ts';

const dir = mkdtempSync(join(tmpdir(), 'tutti-self-clustering-'));
after(() => rmSync(dir, { recursive: true }));

function warnings(text: string): string[] {
  const path = join(dir, 'app.js');
  writeFileSync(path, text);
  return selfClusteringWarnings(path);
}

for (const [how, text] of [
  ['require', "const cluster = require('cluster');\nif (cluster.isMaster) cluster.fork();"],
  ['node: and import', "import cluster from 'node:cluster';\ncluster.setupPrimary({ exec: 'w.js' });"],
  ['named imports', 'import { fork, isPrimary } from "node:cluster";\nif (isPrimary) fork();'],
  ['a dynamic import', "const { default: c } = await import('node:cluster'); c.fork ( )"],
  ['throng', "const throng = require('throng');\nthrong({ worker });"],
] as const) {
  test(`a program that forks by itself is told so: ${how}`, () => {
    const [warning, ...more] = warnings(text);
    assert.match(warning ?? '', /^app\.js forks workers of its own with (node:cluster|throng)\./);
    assert.deepEqual(more, []);
  });
}

for (const [what, text] of [
  ['a server', "require('http').createServer().listen(80);"],
  [
    'one that only asks whether it is a worker',
    "const cluster = require('cluster');\nif (cluster.isWorker) connect();",
  ],
  ['one that forks other processes', "const { fork } = require('child_process');\nfork('job.js');"],
  ['one that names its own variable cluster', "const cluster = require('./cluster');\ncluster.fork();"],
] as const) {
  test(`nothing is told of ${what}`, () => assert.deepEqual(warnings(text), []));
}

test('nothing is told of a program that cannot be read', () => {
  assert.deepEqual(selfClusteringWarnings(join(dir, 'missing.js')), []);
});
