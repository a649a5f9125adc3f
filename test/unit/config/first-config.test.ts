import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { safeParse } from 'valibot';
import { type OptionName, options } from '../../../src/config/options.ts';
import { firstConfigText } from '../../../src/config/write/first-config.ts';

/** What the file exports. */
const read = (text: string): Record<string, unknown> =>
  runInNewContext(text.replace(/^import .*$/m, '').replace('export default defineConfig(', '('), {});

test('the first configuration names the program and nothing else', () => {
  assert.deepEqual({ ...read(firstConfigText(`it's/server.js`)) }, { entry: `it's/server.js` });
});

test('each line of it that is made an option is a valid one', () => {
  const all = firstConfigText('server.js').replace(/^ {2}\/\/ (\w+: .*,)$/gm, '  $1');
  const { entry: _, ...values } = JSON.parse(JSON.stringify(read(all))) as Record<string, unknown>;
  assert.ok(Object.keys(values).length >= 10);
  for (const [name, value] of Object.entries(values)) {
    assert.equal(safeParse(options[name as OptionName].kind.schema, value).success, true, name);
  }
});
