import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupEntry, idOf, userEntry } from '../../../src/files/accounts.ts';

test('users and groups are found by name and number, also where getent is missing', async () => {
  const { PATH } = process.env;
  for (const path of [PATH, '/nonexistent']) {
    process.env.PATH = path;
    try {
      assert.equal((await userEntry('root'))?.uid, 0);
      assert.equal((await userEntry('0'))?.name, 'root');
      assert.equal(await groupEntry('root'), 0);
      for (const unknown of ['no-such-name', '4294967294', '-x', '']) {
        assert.equal(await userEntry(unknown), null);
        assert.equal(await groupEntry(unknown), null);
      }
    } finally {
      process.env.PATH = PATH;
    }
  }
  assert.deepEqual(['7', '', '-1', '4294967295', 'root'].map(idOf), [7, null, null, null, null]);
});
