// Runs Node's own tests three ways – under plain node, in a worker of a bare node:cluster primary, in a worker of tutti – and says
// which of those that pass the first two do not pass the third. Needs a Debian with apt-get, root, and `npm run build`.
//   node scripts/node-suite.mjs [20|22|24] [--groups=http,net …] [--all] [--only=FILE,…] [--jobs=n]
// The tests come from Debian's source package of nodejs, into .cache/node-suite; they are never committed. Where the package of a
// major version cannot be had, those of the next older one are taken: what plain node fails of them is left out.
// Fails when fewer than 99.5 % pass, or when one differs that test/node-suite/differences.json has no reason for.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from './node-binaries.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const BAR = 0.995;
const TIMEOUT_MS = 30_000;
/** A test that fails once may be one that fails now and then under plain node too. */
const TRIES = 3;
const NETWORK =
  'http https http2 net tls dgram child-process process signal listen socket stdio stdout cluster-free'.split(' ');
/** Where Debian has which major version; one that is missing is looked for in the next. */
const SUITES = ['bookworm', 'trixie', 'forky', 'sid', 'experimental'];

const args = process.argv.slice(2);
const value = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const major = args.find((arg) => /^\d+$/.test(arg)) ?? process.versions.node.split('.')[0];
const jobs = Number(value('jobs') ?? availableParallelism());
const node = nodeBinary(major);
const cache = join(root, '.cache', 'node-suite');
const { tests, version } = fetchTests(Number(major));
const files = selectFiles();
const scratch = mkdtempSync(join(tmpdir(), 'node-suite-'));
const known = JSON.parse(readFileSync(join('test', 'node-suite', 'differences.json'), 'utf8'));

const nodeVersion = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
console.log(`${files.length} tests of Node ${version} on ${nodeVersion}, ${jobs} at a time`);
const results = [];
let done = 0;
await Promise.all(Array.from({ length: jobs }, (_, job) => worker(job)));
rmSync(scratch, { recursive: true, force: true });
report();

async function worker(job) {
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    results.push(await judge(file, job));
    done += 1;
    if (done % 50 === 0) console.log(`  ${done} done, ${files.length} to go`);
  }
}

/** 'plain' and 'bare' say why a test is left out; 'differs' that only tutti fails it. */
async function judge(file, job) {
  const name = file.slice('test/'.length);
  const plain = await attempt(() => runPlain(file, job));
  if (!plain.ok) return { name, verdict: 'plain' };
  const tutti = await attempt(() => runTutti(file, job));
  if (tutti.ok) return { name, verdict: 'passes' };
  // Only now: those that pass need no comparison, and most do.
  const bare = await attempt(() => runBare(file, job));
  return { name, verdict: bare.ok ? 'differs' : 'bare', output: tutti.output.slice(-4000) };
}

async function attempt(run) {
  let last;
  for (let i = 0; i < TRIES; i += 1) {
    last = await run();
    if (last.ok) return last;
  }
  return last;
}

async function runPlain(file, job) {
  const { code, output } = await execute(node, [...flagsOf(file), join(tests, file)], job);
  return { ok: code === 0 && !/^1\.\.0 # Skipped/m.test(output), output };
}

async function runBare(file, job) {
  const { code, output } = await execute(
    node,
    [join(root, 'test', 'node-suite', 'bare-primary.cjs'), join(tests, file), ...flagsOf(file)],
    job,
  );
  return { ok: code === 0, output };
}

async function runTutti(file, job) {
  const options = ['-i', '1', '--ready', 'started', '--restart', 'never', '--liveness-timeout', '0', '--json'];
  const home = join(scratch, `home-${job}`);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const { code, output } = await execute(
    node,
    [
      join(root, 'dist', 'bin.js'),
      ...['run', join(tests, file), '-c', 'none', '--name', `suite-${job}`, ...options],
      ...flagsOf(file).map((flag) => `--node-arg=${flag}`),
    ],
    job,
    { TUTTI_HOME: home },
  );
  const exits = output.split('\n').flatMap((line) => {
    // A test that leaves its last line open has ours glued to it.
    const at = line.indexOf('{"at"');
    if (at === -1) return [];
    try {
      const record = JSON.parse(line.slice(at));
      return record.type === 'worker-exit' ? [record] : [];
    } catch {
      return [];
    }
  });
  return { ok: code === 0 && exits.length === 1, output };
}

function execute(command, argv, job, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, argv, {
      cwd: join(tests, 'test'),
      env: {
        ...process.env,
        TEST_THREAD_ID: String(job + 1),
        TEST_PARALLEL: '1',
        NODE_TEST_KNOWN_GLOBALS: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    const read = (chunk) => {
      if (output.length < 1e6) output += chunk;
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    // The whole group: tests start processes of their own.
    const endGroup = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {}
    };
    const timer = setTimeout(endGroup, TIMEOUT_MS);
    child.on('exit', (code) => {
      clearTimeout(timer);
      // What a test left behind keeps the pipes open.
      endGroup();
      setImmediate(() => resolve({ code, output }));
    });
  });
}

/** The flags that a test asks for in its `// Flags:` line. */
function flagsOf(file) {
  const text = readFileSync(join(tests, file), 'utf8');
  return (
    text
      .match(/\/\/\s*Flags:(.*)/)?.[1]
      .trim()
      .split(/\s+/) ?? []
  );
}

function selectFiles() {
  const only = value('only')?.split(',');
  const groups = value('groups')?.split(',') ?? NETWORK;
  const folders = args.includes('--all') ? ['parallel', 'sequential', 'es-module', 'async-hooks'] : ['parallel'];
  return (
    folders
      .flatMap((folder) => readdirSync(join(tests, 'test', folder)).map((name) => join('test', folder, name)))
      .filter((file) => /\/test-.*\.m?js$/.test(file))
      // A test of node:cluster is a primary of its own: a worker never is.
      .filter((file) => !basename(file).startsWith('test-cluster-'))
      .filter((file) => {
        const name = basename(file).replace(/\.m?js$/, '');
        if (only !== undefined) return only.includes(name) || only.includes(file);
        return args.includes('--all') || groups.some((group) => name.startsWith(`test-${group}-`));
      })
      .sort()
  );
}

function fetchTests(wanted) {
  for (let candidate = wanted; candidate >= 20; candidate -= 2) {
    const folder = join(cache, String(candidate));
    const stamp = join(folder, 'VERSION');
    if (!existsSync(stamp)) download(candidate, folder);
    if (existsSync(stamp)) return { tests: folder, version: readFileSync(stamp, 'utf8').trim() };
    console.log(`The source package of Node ${candidate} cannot be had here; the tests of an older one are used.`);
  }
  console.error(
    "Cannot get Node's tests: no Debian source package of nodejs could be downloaded (apt-get source --tar-only nodejs).",
  );
  process.exit(1);
}

/** With lists of its own: the machine's own sources stay as they are. */
function download(wanted, folder) {
  const apt = join(cache, 'apt');
  for (const name of ['lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(join(apt, name), { recursive: true });
  const targets = read('apt-get', ['indextargets', '--format', '$(ORIGIN) $(REPO_URI)', 'Created-By: Packages']);
  const mirror = targets
    .split('\n')
    .map((line) => line.match(/^Debian (\S*\/debian\/?)$/)?.[1])
    .find(Boolean);
  if (mirror === undefined) return;
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(
    join(apt, 'sources.list'),
    SUITES.map((suite) => `deb-src [signed-by=${keyring}] ${mirror} ${suite} main\n`).join(''),
  );
  const options = Object.entries({
    'Dir::Etc::SourceList': join(apt, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
  }).flatMap(([name, path]) => ['-o', `${name}=${path}`]);
  spawnSync('apt-get', [...options, 'update', '-qq'], { stdio: 'ignore' });
  const versions = [...read('apt-cache', [...options, 'showsrc', 'nodejs']).matchAll(/^Version: (\S+)/gm)].map(
    ([, found]) => found,
  );
  const found = versions.filter((name) => name.startsWith(`${wanted}.`)).pop();
  if (found === undefined) return;
  // A part of the package may be missing on a mirror; the tests are all in one.
  spawnSync('apt-get', [...options, 'source', '--tar-only', '-qq', `nodejs=${found}`], {
    cwd: join(apt, 'packages'),
    stdio: 'ignore',
  });
  const tar = readdirSync(join(apt, 'packages')).find(
    (name) => name.startsWith(`nodejs_${wanted}.`) && name.endsWith('.orig.tar.xz'),
  );
  if (tar === undefined) return;
  mkdirSync(folder, { recursive: true });
  const parts = [
    'test',
    'lib',
    'doc',
    'deps/undici',
    'tools',
    'benchmark',
    'README.md',
    'LICENSE',
    'src/node_version.h',
  ];
  spawnSync(
    'tar',
    [
      'xf',
      join(apt, 'packages', tar),
      '--strip-components=1',
      '-C',
      folder,
      '--wildcards',
      ...parts.map((part) => `*/${part}`),
    ],
    { stdio: 'ignore' },
  );
  // Ours says that .js is ESM, and would hold for them too.
  writeFileSync(join(folder, 'package.json'), '{}\n');
  if (existsSync(join(folder, 'test', 'parallel'))) writeFileSync(join(folder, 'VERSION'), `${found.split('+')[0]}\n`);
}

function read(command, argv) {
  return spawnSync(command, argv, { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout ?? '';
}

function report() {
  const count = (verdict) => results.filter((result) => result.verdict === verdict).length;
  const differing = results
    .filter((result) => result.verdict === 'differs')
    .sort((a, b) => a.name.localeCompare(b.name));
  const reasons = new Map(known.flatMap(({ reason, tests }) => tests.map((test) => [test, reason])));
  const nameOf = (result) => basename(result.name).replace(/\.m?js$/, '');
  const passes = count('passes');
  const share = passes / Math.max(1, passes + differing.length);
  const unexplained = differing.filter((result) => !reasons.has(nameOf(result)));
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `results-${major}.json`);
  writeFileSync(file, JSON.stringify(results, null, 1));
  console.log(
    `left out: ${count('plain')} fail or skip under plain node, ${count('bare')} in a bare node:cluster worker`,
  );
  console.log(`${passes} of ${passes + differing.length} pass as a worker of tutti: ${(share * 100).toFixed(2)} %`);
  for (const result of differing) console.log(`  ${result.name}: ${reasons.get(nameOf(result)) ?? 'NO REASON KNOWN'}`);
  console.log(`outputs: ${file}`);
  // Counted also where nothing was asked to fail, so that a run that tested nothing is no success.
  process.exit(passes > 0 && share >= BAR && unexplained.length === 0 ? 0 : 1);
}
