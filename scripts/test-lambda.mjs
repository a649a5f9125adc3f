// Lets AWS's own client of the Runtime API (npm: aws-lambda-ric) say whether the tests' Runtime API is right, and runs what of tutti lambda
// takes too long for every run. Needs a C++ compiler, cmake and autotools: the client has a native part. Node 22 or later.
//   node scripts/test-lambda.mjs
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from './node-binaries.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const VERSION = '4.0.2';
const node = resolve(nodeBinary('24'));
const cache = join('.cache', 'lambda-client');
const client = resolve(cache, 'node_modules', 'aws-lambda-ric', 'index.mjs');
// Its native part is compiled for the Node that runs it.
const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
if (!existsSync(resolve(dirname(client), 'rapid-client.node'))) {
  mkdirSync(cache, { recursive: true });
  const npm = [
    'install',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--prefix',
    cache,
    `aws-lambda-ric@${VERSION}`,
  ];
  execFileSync('npm', npm, { stdio: ['ignore', 'ignore', 'inherit'], env });
}
const { status } = spawnSync(node, ['scripts/test.mjs', 'test/lambda'], {
  stdio: 'inherit',
  env: { ...env, LAMBDA_CLIENT: client },
});
process.exit(status ?? 1);
