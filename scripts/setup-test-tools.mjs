// Installs what some tests use beside Node – through apt-get, where this is Debian and we are root – and says which tests are left
// out where it is not there. The tests look for each tool themselves and skip without it, so this never fails.
import { spawnSync } from 'node:child_process';

const tools = [
  { command: 'chromium', package: 'chromium', tests: 'the dashboard in a browser (test/browser)' },
  { command: 'promtool', package: 'prometheus', tests: 'that Prometheus reads the metrics' },
  { command: 'tmux', package: 'tmux', tests: 'tutti top on a terminal' },
  { command: 'nginx', package: 'nginx-light', tests: 'tutti behind nginx (behind-nginx, npm run test:nginx)' },
  { command: 'script', package: 'bsdutils', tests: 'what is seen on a terminal' },
];

const missing = () => tools.filter(({ command }) => !succeeds('which', [command]));
const wanted = missing();
const canInstall = process.getuid?.() === 0 && succeeds('which', ['apt-get']);
if (wanted.length > 0 && canInstall) {
  // Services of the packages must not start: only their commands are wanted.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const names = wanted.map((tool) => tool.package);
  succeeds('apt-get', ['update', '-qq'], env);
  for (const name of names) succeeds('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], env);
}
for (const { command, tests } of missing()) console.log(`Left out, because ${command} is not installed: ${tests}.`);

function succeeds(command, args, env = process.env) {
  return spawnSync(command, args, { stdio: 'ignore', env }).status === 0;
}
