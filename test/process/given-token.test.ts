// Promise: a token that is brought along opens the admin port and the commands, and no worker has it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';

const token = 'a'.repeat(64);

test('metrics for who has the token, on an address that everybody reaches', async () => {
  await using cli = await openCli();
  const admin = await freePort();
  const program = cli.write(
    'server.cjs',
    "require('node:http').createServer((_, to) => to.end(String(process.env.TUTTI_TOKEN))).listen(process.env.PORT);",
  );
  const env = { TUTTI_TOKEN: `${token}\n` };
  await cli.ok(['start', program, '-n', 'web', '-i', '1', '--admin', `0.0.0.0:${admin}`], { env });
  const metrics = (headers: Record<string, string>) => fetch({ port: admin, path: '/metrics', headers });
  assert.equal((await metrics({})).status, 401);
  assert.equal((await metrics({ authorization: `Bearer ${token}` })).status, 200);
  assert.equal((await fetch({ port: cli.port })).body, 'undefined');
  assert.equal(readFileSync(join(cli.home, 'run/web.token'), 'utf8').trim(), token);
  await cli.ok(['scale', 'web', '2']);
});
