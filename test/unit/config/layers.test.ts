// Promise: each place from which an option can come is read as its users write it, and says how it is called there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  environmentLayer,
  flagLayer,
  misspeltVariables,
  objectLayer,
  optionNames,
  platformLayer,
  unusableConcurrency,
} from '../../../src/config/layers.ts';
import { environmentVariable, options } from '../../../src/config/options.ts';
import { MOST_WORKERS } from '../../../src/protocol/workers.ts';

test('of a flag that is typed twice the last holds, of a list all do', () => {
  const { values, typed } = flagLayer({ workers: ['2', '4'], nodeArgs: ['-a', '-b'], watch: false }, {}, '/');
  assert.deepEqual(values, { workers: '4', nodeArgs: ['-a', '-b'], watch: false });
  assert.deepEqual(typed, { workers: '2 4', nodeArgs: '-a -b' }, 'a switch is what it is');
});

test('the program and its arguments are no flags; none are not an empty list, which would hide those of a file', () => {
  assert.deepEqual(flagLayer({}, { entry: 'a.js', args: ['x'] }, '/').values, { entry: 'a.js', args: ['x'] });
  assert.deepEqual(flagLayer({}, { entry: undefined, args: [] }, '/').values, {});
});

test('a problem is named as its place is written', () => {
  assert.equal(flagLayer({}, {}, '/').source('entry'), '<entry>');
  assert.equal(flagLayer({}, {}, '/').source('nodeArgs'), '--node-arg');
  assert.equal(environmentLayer({}, '/').source('drainTimeout'), 'TUTTI_DRAIN_TIMEOUT');
  assert.equal(platformLayer({ WEB_CONCURRENCY: '2' }, '/')?.source('workers'), 'WEB_CONCURRENCY');
  assert.equal(objectLayer('file', {}, (key) => `x: ${key}`, '/').source('workers'), 'x: workers');
});

test('an empty variable is none; of a list the words count, however many blanks are between', () => {
  const env = { TUTTI_WORKERS: '', TUTTI_DRAIN_TIMEOUT: '5s', TUTTI_NODE_ARG: '  -a \t -b\n', OTHER: 'x' };
  const { values, typed } = environmentLayer(env, '/');
  const [list] = Object.entries(values).filter(([name]) => name !== 'drainTimeout');
  assert.equal(values.drainTimeout, '5s');
  assert.ok(list === undefined || JSON.stringify(list[1]) === '["-a","-b"]');
  assert.equal('workers' in values, false);
  assert.equal(typed.drainTimeout, '5s');
});

test('every option with a variable is read from it, by the same parser as its flag', () => {
  for (const name of optionNames) {
    const variable = environmentVariable(name);
    if (variable === null) continue;
    const { values } = environmentLayer({ [variable]: '1' }, '/');
    assert.deepEqual(Object.keys(values), [name], variable);
    if (options[name].kind.placeholder === null) continue;
    assert.deepEqual(values[name], flagLayer({ [name]: ['1'] }, {}, '/').values[name], variable);
  }
});

test('what a platform says of the number of workers is a whole number, or has no effect and is named', () => {
  for (const [text, isUsable] of [
    ['2', true],
    [' 3 ', true],
    [String(MOST_WORKERS), true],
    [String(MOST_WORKERS + 1), false],
    ['0', false],
    ['-1', false],
    ['1.5', false],
    ['0x2', false],
    ['auto', false],
  ] as const) {
    const env = { WEB_CONCURRENCY: text };
    assert.equal(platformLayer(env, '/')?.values.workers, isUsable ? text.trim() : undefined, text);
    assert.equal(unusableConcurrency(env).length, isUsable ? 0 : 1, text);
  }
  for (const env of [{}, { WEB_CONCURRENCY: '' }, { WEB_CONCURRENCY: ' ' }]) {
    assert.equal(platformLayer(env, '/'), null);
    assert.deepEqual(unusableConcurrency(env), [], 'nothing is said of nothing');
  }
});

test('a slip in the name of a variable is told, and what others set is left alone', () => {
  for (const [name, meant] of [
    ['TUTTI_WORKER', 'TUTTI_WORKERS'],
    ['TUTTI_DRAINTIMEOUT', 'TUTTI_DRAIN_TIMEOUT'],
    ['TUTTI_BALANC', 'TUTTI_BALANCE'],
  ] as const) {
    const [warning = '', ...more] = misspeltVariables({ [name]: '1' });
    assert.ok(warning.includes(name) && warning.includes(`did you mean ${meant}?`), warning);
    assert.deepEqual(more, []);
  }
  for (const name of [
    'TUTTI_WORKERS',
    'TUTTI_HOME',
    'TUTTI_TOKEN',
    'TUTTI_SERVICE_HOST',
    'TUTTI_PORT_80_TCP',
    'TUTTO',
  ]) {
    assert.deepEqual(misspeltVariables({ [name]: '1' }), [], name);
  }
});
