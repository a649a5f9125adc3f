import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExitFacts, explainExit, explainSpawnError } from '../../../src/host/process/exit-explanation.ts';
import { wantedInspectPort } from '../../../src/host/process/inspect-ports.ts';

function ending(part: Partial<ExitFacts>): ExitFacts {
  return {
    code: null,
    signal: null,
    helloed: true,
    started: false,
    outOfMemory: false,
    heapMib: null,
    stderr: [],
    ownSignal: undefined,
    ...part,
  };
}

test('codes that node uses at start are explained, the same codes of a running program are its own', () => {
  assert.match(explainExit(ending({ code: 13 })) ?? '', /top-level await/);
  assert.equal(explainExit(ending({ code: 13, started: true })), undefined);
  assert.match(explainExit(ending({ code: 9, helloed: false })) ?? '', /command line/);
  assert.equal(explainExit(ending({ code: 9 })), undefined);
  assert.equal(explainExit(ending({ code: 7 })), undefined);
});

test('signals', () => {
  const heap = ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'];
  assert.match(explainExit(ending({ signal: 'SIGABRT', stderr: heap })) ?? '', /^heap out of memory/);
  const share = /reached 152 MiB, its share of the memory limit \(give it more memory/;
  assert.match(explainExit(ending({ signal: 'SIGABRT', stderr: heap, heapMib: 152 })) ?? '', share);
  assert.match(explainExit(ending({ signal: 'SIGABRT', heapMib: 152 })) ?? '', /its limit is 152 MiB/);
  assert.match(explainExit(ending({ signal: 'SIGKILL', outOfMemory: true })) ?? '', /^out of memory/);
  assert.equal(explainExit(ending({ signal: 'SIGKILL' })), undefined);
  assert.match(explainExit(ending({ signal: 'SIGSEGV' })) ?? '', /native code/);
});

test('a process that cannot start says which limit or path is the matter', () => {
  const spawn = (code: string) => explainSpawnError(Object.assign(new Error('spawn'), { code }), '/bin/node', '/srv');
  assert.match(spawn('EAGAIN'), /ulimit -u/);
  assert.match(spawn('ENOENT'), /\/bin\/node in \/srv/);
  assert.match(spawn('EMFILE'), /ulimit -n/);
});

test('the inspector port that node arguments ask for', () => {
  assert.equal(wantedInspectPort(['--enable-source-maps']), null);
  assert.equal(wantedInspectPort(['--inspect']), 9229);
  assert.equal(wantedInspectPort(['--inspect=0.0.0.0:9300']), 9300);
  assert.equal(wantedInspectPort(['--inspect-brk=0']), 0);
  assert.equal(wantedInspectPort(['--inspect', '--inspect-port=9400']), 9400);
  assert.equal(wantedInspectPort(['--inspect-publish-uid=http']), null);
});
