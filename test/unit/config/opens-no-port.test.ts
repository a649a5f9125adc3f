import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { opensNoPort } from '../../../src/config/entry/opens-no-port.ts';

const base = mkdtempSync(join(tmpdir(), 'tutti-opens-'));
after(() => rmSync(base, { recursive: true }));

for (const [what, files, expected] of [
  ['a timer', { 'a.js': `process.on('SIGTERM', listener); setInterval(() => {}, 1000)` }, true],
  [
    'a queue worker and its own files',
    {
      'a.js': `require('dotenv').config(); const { Worker } = require("bullmq"); require('./lib/jobs')`,
      'lib/jobs.js': `const https = require('node:https'); const { S3 } = require('@aws-sdk/client-s3'); require('../a')`,
    },
    true,
  ],
  [
    'modules',
    { 'a.mjs': `import { Worker } from 'bullmq';\nimport './b.mjs'; await import('./b.mjs')`, 'b.mjs': '' },
    true,
  ],
  ['a server', { 'a.js': `require('http').createServer().listen(80)` }, false],
  ['a server in a file of its own', { 'a.js': `require('./server')`, 'server.js': `app.listen(80)` }, false],
  ['a package that may serve', { 'a.js': `require('@acme/server').start()` }, false],
  ['a package that serves', { 'a.js': `import('fastify')` }, false],
  ['a name that is not written out', { 'a.js': `require(process.env.JOB)` }, false],
  ['a name in a template', { 'a.js': ['import(`./$', '{job}.js`)'].join('') }, false],
  ['a file that is not there', { 'a.js': `require('./gone')` }, false],
  ['another process', { 'a.js': `require('child_process').fork('server.js')` }, false],
  ['a program that is not there', {}, false],
] as const) {
  test(`${what}: ${expected ? 'no port' : 'perhaps a port'}`, () => {
    const dir = mkdtempSync(join(base, 'p'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), text);
    }
    const [entry = 'a.js'] = Object.keys(files);
    assert.equal(opensNoPort(join(dir, entry)), expected);
    if (entry === 'a.js') assert.equal(opensNoPort(join(dir, 'a')), expected);
  });
}
