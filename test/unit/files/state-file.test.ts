import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readState, removeState, stateName, writeState } from '../../../src/files/state-file.ts';
import { temporaryState } from '../admin/open-admin.ts';

const keep = (text: string): boolean => parse(text) !== null;

function parse(text: string): string | null {
  const value: unknown = JSON.parse(text);
  return typeof value === 'string' ? value : null;
}

function open(t: TestContext): { folder: string; path: string } {
  const folder = temporaryState(t);
  return { folder, path: join(folder, 'state.json') };
}

describe('a state file', () => {
  it('is private, is replaced as a whole, and leaves nothing but itself and the copy from before', (t) => {
    const { folder, path } = open(t);
    writeState(path, '"one"', { keep, lasting: true });
    assert.deepEqual(readdirSync(folder), ['state.json']);
    writeState(path, '"two"', { keep, lasting: true });
    writeState(path, '"three"', { keep, lasting: true });
    assert.deepEqual(readdirSync(folder).sort(), ['state.json', 'state.json.bak']);
    assert.equal(readFileSync(`${path}.bak`, 'utf8'), '"two"');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readState(path, parse), { value: 'three', damage: null });
    removeState(path);
    assert.deepEqual(readdirSync(folder), []);
    assert.deepEqual(readState(path, parse), { value: null, damage: null });
  });

  it('that is cut, emptied, filled with rubbish, made unreadable or lost gives way to the copy from before', (t) => {
    const harms: Record<string, (path: string) => void> = {
      cut: (path) => truncateSync(path, 3),
      emptied: (path) => truncateSync(path),
      rubbish: (path) => writeFileSync(path, Buffer.from([0, 255, 1, 254, 34])),
      'another shape': (path) => writeFileSync(path, '{}'),
      lost: (path) => rmSync(path),
    };
    for (const [harm, inflict] of Object.entries(harms)) {
      const { path } = open(t);
      writeState(path, '"before"', { keep });
      writeState(path, '"now"', { keep });
      inflict(path);
      const { value, damage } = readState(path, parse);
      assert.equal(value, 'before', harm);
      assert.match(damage ?? '', /empty|cut off|missing/, harm);
    }
  });

  it('that is damaged does not become the copy', (t) => {
    const { path } = open(t);
    writeState(path, '"good"', { keep });
    writeState(path, '"now"', { keep });
    truncateSync(path, 2);
    writeState(path, '"new"', { keep });
    assert.equal(readFileSync(`${path}.bak`, 'utf8'), '"good"');
  });

  it('stays as it was when it cannot be written, and no half of a new one stays', (t) => {
    const { path } = open(t);
    writeState(path, '"good"', { keep });
    mkdirSync(`${path}.${process.pid}.new`);
    assert.throws(() => writeState(path, '"new"', { keep }), { code: 'EISDIR' });
    assert.equal(readFileSync(path, 'utf8'), '"good"');
    assert.deepEqual(readState(path, parse), { value: 'good', damage: null });
  });

  it('is neither read nor written through a link', (t) => {
    const { folder, path } = open(t);
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, '"foreign"', { mode: 0o600 });
    symlinkSync(elsewhere, path);
    assert.equal(readState(path, parse).value, null);
    writeState(path, '"own"', { keep });
    assert.equal(readFileSync(elsewhere, 'utf8'), '"foreign"');
    assert.equal(readState(path, parse).value, 'own');
  });

  it('is known by its name, and so is its copy', () => {
    assert.equal(stateName('web.json', '.json'), 'web');
    assert.equal(stateName('web.json.bak', '.json'), 'web');
    assert.equal(stateName('web.json.12.new', '.json'), null);
    assert.equal(stateName('web.json.bak.12.new', '.json'), null);
  });
});
