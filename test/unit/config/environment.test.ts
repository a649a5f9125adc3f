import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { workerEnvironment } from '../../../src/config/environment.ts';

const dir = mkdtempSync(join(tmpdir(), 'tutti-env-'));
after(() => rmSync(dir, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

test('files lie below the environment, and that below the options; of two files the later holds', () => {
  const envFile = [
    file('one.env', 'A=one\nB=one\nC=one\nD=one\n'),
    file('two.env', 'B=two\n# comment\nC="two words"\n'),
  ];
  const env = workerEnvironment({ env: { D: 'option' }, envFile, dropEnv: [] }, { A: 'around', E: 'around' });
  assert.deepEqual(env, { A: 'around', B: 'two', C: 'two words', D: 'option', E: 'around' });
});

test('variables are kept from the workers, by name or by beginning', () => {
  const base = { SECRET_KEY: '1', SECRET: '2', PATH: '3', AWS_A: '4', AWS_B: '5' };
  const drop = (...dropEnv: string[]) => workerEnvironment({ env: { AWS_A: 'own' }, envFile: [], dropEnv }, base);
  assert.deepEqual(drop('SECRET', 'AWS_*'), { SECRET_KEY: '1', PATH: '3', AWS_A: 'own' });
  assert.deepEqual(drop('*'), { AWS_A: 'own' });
});

test('a file that cannot be read is an error', () => {
  const config = { env: {}, envFile: [join(dir, 'none.env')], dropEnv: [] };
  assert.throws(() => workerEnvironment(config, {}), { code: 'ERR_ENV_FILE' });
  assert.throws(() => workerEnvironment({ ...config, envFile: [dir] }, {}), /it is a folder/);
});
