// THE table of PM2's commands and flags: what tutti has for each. The command line reads those of PM2 by it and answers the others, and
// docs/from-pm2.md is generated from it. It is loaded only for a word that tutti itself does not know.

export interface Pm2Command {
  /** What is typed after `pm2`; the first is the usual one. */
  words: readonly string[];
  /** As what the word is read, without `tutti`; null: it is not, and the command ends with an error. */
  as: string | null;
  /** What to type instead, where it is not read. */
  instead?: string;
  /** What differs, or why there is none. */
  says: string;
  /** Say so when the word is read: the answer is not quite what PM2 gives. */
  tell?: true;
}

export interface Pm2Flag {
  flags: readonly string[];
  /** Whether a value stands after it. */
  takes: 'nothing' | 'value' | 'maybe';
  /** The commands of tutti that it is a flag of. */
  of: readonly string[];
  /**
   * As what it is read, with `<value>` for its value; '' drops it without a word, because it asks for what is so anyway; null: it is
   * not read.
   */
  as: string | null;
  /** The value is several, parted by blanks, or a list that may have commas too; `as` is repeated for each. */
  each?: 'words' | 'list';
  /** The command is this one instead. */
  turnsInto?: 'run';
  /** What else is typed wins. */
  weak?: true;
  /** A file that stands in the same command means nothing then. */
  dropsFile?: true;
  /** It has no effect: say so and go on. Without this, what is not read is an error. */
  moot?: true;
  instead?: string;
  says: string;
}

const starts = ['run', 'start'] as const;
const changes = ['reload', 'restart', 'stop', 'delete'] as const;
const builtIn = 'Numbers, the page and the API are built in: --admin.';
const oneFile = 'One log file takes both streams, labelled by worker and stream, so that their order is kept.';
const backsOff = 'A worker that dies before it has served always backs off: 0.5 s, doubled up to 30 s, with jitter.';

export const commands: readonly Pm2Command[] = [
  {
    words: ['start'],
    as: 'start',
    says: 'Without -i: one worker per CPU that the machine or the container grants. What runs already is refused (exit code 6): `reload` loads new code, `restart` begins anew.',
  },
  { words: ['stop'], as: 'stop', says: 'Names, `all`, or the ecosystem file. Requests in flight are finished first.' },
  {
    words: ['restart'],
    as: 'restart',
    says: 'With a pause, and with the environment of the shell. `reload` has none.',
  },
  {
    words: ['reload'],
    as: 'reload',
    says: 'One worker on trial first. If it fails, the old ones stay and the exit code says so.',
  },
  { words: ['gracefulReload'], as: 'reload', says: 'Every reload is graceful.' },
  { words: ['delete', 'del'], as: 'delete', says: '' },
  {
    words: ['startOrReload', 'startOrGracefulReload'],
    as: 'start --or-reload',
    says: 'Starts what does not run, and reloads what runs.',
  },
  { words: ['startOrRestart'], as: 'start --or-restart', says: 'Starts what does not run, and restarts what runs.' },
  { words: ['scale'], as: 'scale', says: '`3`, `+1` and `-1`. What is taken away is drained.' },
  {
    words: ['reset'],
    as: null,
    instead: 'tutti restart web',
    says: 'Counters belong to a supervisor, and begin with it.',
  },
  {
    words: ['sendSignal'],
    as: null,
    instead: 'tutti status web',
    says: 'Use kill with the pid of a worker, which status shows.',
  },
  {
    words: ['send', 'attach'],
    as: null,
    instead: 'tutti logs web -f',
    says: 'Workers have no stdin; what they write can be followed.',
  },
  {
    words: ['trigger'],
    as: null,
    instead: 'tutti start server.js --admin 9400',
    says: 'An application has no actions here. Give it a route of its own; what tutti knows is on its page.',
  },
  { words: ['list', 'ls', 'status'], as: 'status', says: 'Exit code 5 when nothing runs.' },
  { words: ['l', 'ps'], as: 'status', says: '' },
  {
    words: ['jlist'],
    as: 'status --json',
    says: 'The JSON has a shape of its own, with a version in `schema`.',
    tell: true,
  },
  {
    words: ['prettylist'],
    as: 'status --json --pretty',
    says: 'The JSON has a shape of its own, with a version in `schema`.',
    tell: true,
  },
  { words: ['describe'], as: 'describe', says: 'The workers, and why those that ended badly did.' },
  { words: ['show', 'info', 'desc'], as: 'describe', says: 'The same.' },
  { words: ['env'], as: 'env', says: 'The variables that a worker was started with, by name of the app.' },
  {
    words: ['pid', 'id'],
    as: null,
    instead: 'tutti status web',
    says: 'An app is known by its name; status shows the pids of its supervisor and its workers, with --json for scripts.',
  },
  {
    words: ['logs'],
    as: 'logs',
    says: 'It ends; -f goes on. Without a name: those of all apps, each line with its app.',
  },
  { words: ['flush'], as: 'flush', says: 'Also removes what was rotated.' },
  {
    words: ['reloadLogs'],
    as: null,
    instead: 'tutti status web',
    says: 'Files rotate by themselves. For logrotate: kill -USR1 and the pid that status shows.',
  },
  {
    words: ['logrotate'],
    as: null,
    instead: 'tutti start server.js --log-max-size 20M --log-keep 10',
    says: 'Log files rotate by themselves.',
  },
  { words: ['monit'], as: 'top', says: '' },
  { words: ['dashboard', 'dash', 'imonit'], as: 'top', says: '' },
  {
    words: ['monitor', 'unmonitor'],
    as: null,
    instead: 'tutti start server.js --admin 9400',
    says: `It means a service of PM2's makers. ${builtIn}`,
  },
  {
    words: ['sysmonit', 'slist', 'sysinfos'],
    as: null,
    instead: 'tutti doctor',
    says: 'doctor tells what is wrong with the machine for the apps that run.',
  },
  {
    words: ['report'],
    as: null,
    instead: 'tutti doctor',
    says: 'doctor tells what is wrong with this machine; tutti check shows the configuration.',
  },
  {
    words: ['save', 'dump'],
    as: 'save',
    says: 'The list has names only, and no environment; see [background.md](background.md#after-a-reboot).',
  },
  { words: ['resurrect'], as: 'resurrect', says: '' },
  {
    words: ['cleardump'],
    as: null,
    instead: 'tutti save --force',
    says: 'The list holds what runs when it is saved; --force also writes an empty one.',
  },
  {
    words: ['startup'],
    as: null,
    instead: 'sudo tutti service install server.js',
    says: 'Each app gets a service of its own, so none depends on the others; see [systemd.md](systemd.md).',
  },
  {
    words: ['unstartup'],
    as: null,
    instead: 'sudo tutti service remove web',
    says: 'Each app has a service of its own.',
  },
  { words: ['kill'], as: null, instead: 'tutti stop all', says: 'There is no process that all apps depend on.' },
  { words: ['ping'], as: null, instead: 'tutti status', says: 'There is no process that all apps depend on.' },
  {
    words: ['update', 'updatePM2', 'deepUpdate'],
    as: null,
    instead: 'tutti upgrade all',
    says: 'There is no process that all apps depend on: each supervisor is replaced by the installed version, without closing a port.',
  },
  {
    words: ['inspect'],
    as: null,
    instead: 'tutti start server.js --node-arg=--inspect',
    says: 'Each worker then has a port of its own, which it writes into its log.',
  },
  { words: ['profile:cpu', 'profile'], as: null, instead: 'tutti profile web', says: 'It profiles a worker.' },
  { words: ['profile:mem'], as: null, instead: 'tutti heap web', says: 'It writes the heap of a worker.' },
  { words: ['serve', 'expose'], as: null, says: 'Files are the work of a web server: put one in front.' },
  {
    words: ['deploy', 'pull', 'forward', 'backward'],
    as: null,
    instead: 'tutti reload web',
    says: 'Bring the release by your own means, in folders behind a symbolic link; then reload. See [reload.md](reload.md).',
  },
  {
    words: ['link', 'unlink', 'plus', 'login', 'logout', 'register', 'open'],
    as: null,
    instead: 'tutti start server.js --admin 9400',
    says: `It means a service of PM2's makers. ${builtIn}`,
  },
  { words: ['web'], as: null, instead: 'tutti start server.js --admin 9400', says: builtIn },
  {
    words: [
      'install',
      'uninstall',
      'publish',
      'package',
      'autoinstall',
      'module:install',
      'module:uninstall',
      'module:update',
      'module:publish',
      'module:generate',
    ],
    as: null,
    instead: 'tutti run --help',
    says: 'There are no modules: rotation of logs, metrics and the page are built in.',
  },
  {
    words: ['install-otel', 'uninstall-otel'],
    as: null,
    instead: 'tutti start server.js --node-arg=--import=./tracing.mjs',
    says: 'Tracing is a module that the application loads first.',
  },
  {
    words: ['set', 'get', 'unset', 'multiset', 'conf', 'config'],
    as: null,
    instead: 'tutti check',
    says: 'Options are flags, TUTTI_ variables, or keys of tutti.config.ts; check shows each with its place.',
  },
  {
    words: ['init', 'ecosystem'],
    as: 'init',
    says: 'Writes a tutti.config.ts. An ecosystem file is read as it is; `import pm2` makes one of it.',
  },
  { words: ['create', 'examples'], as: null, instead: 'tutti --help', says: 'Each command has its own, with --help.' },
];

export const flags: readonly Pm2Flag[] = [
  {
    flags: ['-i', '--instances'],
    takes: 'value',
    of: starts,
    as: '--workers <value>',
    says: '`max` and 0: every CPU; -1: all but one.',
  },
  { flags: ['-n', '--name'], takes: 'value', of: starts, as: '--name <value>', says: '' },
  {
    flags: ['--env'],
    takes: 'value',
    of: starts,
    as: '--env-name <value>',
    says: 'A value without `=` is the name of an environment; `--env K=V` sets a variable.',
  },
  {
    flags: ['--env'],
    takes: 'value',
    of: changes,
    as: null,
    moot: true,
    says: 'An app keeps the named environment that it was started with.',
  },
  {
    flags: ['-a', '--update-env'],
    takes: 'nothing',
    of: ['restart'],
    as: '',
    says: 'A restart takes the environment of the shell.',
  },
  {
    flags: ['-a', '--update-env'],
    takes: 'nothing',
    of: ['reload'],
    as: null,
    moot: true,
    says: 'A reload never takes the environment of the shell: it would carry that of whoever types it into production. It reads the configuration and --env-file anew; a restart takes the shell.',
  },
  {
    flags: ['-a', '--update-env'],
    takes: 'nothing',
    of: ['start'],
    as: null,
    moot: true,
    says: 'A start and a restart take the environment of the shell, a reload never does.',
  },
  {
    flags: ['--only'],
    takes: 'value',
    of: ['start'],
    each: 'list',
    as: '<value>',
    says: 'Names of apps stand after the file.',
  },
  { flags: ['--only'], takes: 'value', of: ['run'], as: '--name <value>', says: 'One app in the foreground.' },
  {
    flags: ['--only'],
    takes: 'value',
    of: changes,
    each: 'list',
    dropsFile: true,
    as: '<value>',
    says: 'An app is named without its file.',
  },
  { flags: ['-w', '--watch'], takes: 'nothing', of: starts, as: '--watch', says: '' },
  { flags: ['--ignore-watch'], takes: 'value', of: starts, each: 'list', as: '--watch-ignore <value>', says: '' },
  {
    flags: ['--watch-delay', '--ext'],
    takes: 'value',
    of: starts,
    as: null,
    moot: true,
    says: 'Changes of the files that the app has loaded are gathered for 300 ms.',
  },
  {
    flags: ['--max-memory-restart'],
    takes: 'value',
    of: starts,
    as: '--max-memory <value>',
    says: 'The replacement is ready before the old worker leaves.',
  },
  {
    flags: ['--cron-restart'],
    takes: 'value',
    of: starts,
    as: '--cron <value>',
    says: 'Recycles, one worker after the other. In short -c is --config here.',
  },
  {
    flags: ['-k', '--kill-timeout'],
    takes: 'value',
    of: starts,
    as: '--drain-timeout <value> --stop-timeout <value>',
    says: 'Requests in flight have this time, and then your handler has it.',
  },
  { flags: ['--wait-ready'], takes: 'nothing', of: starts, as: '--ready message', says: '' },
  {
    flags: ['--listen-timeout'],
    takes: 'value',
    of: starts,
    as: '--start-timeout <value>',
    says: 'A worker that misses it has failed; it is never taken for ready.',
  },
  { flags: ['--shutdown-with-message'], takes: 'nothing', of: starts, as: '--shutdown-message', says: '' },
  { flags: ['--no-autorestart'], takes: 'nothing', of: starts, as: '--restart never', says: '' },
  { flags: ['--stop-exit-codes'], takes: 'value', of: starts, each: 'list', as: '--stop-exit-code <value>', says: '' },
  {
    flags: ['--node-args', '--interpreter-args'],
    takes: 'value',
    of: starts,
    each: 'words',
    as: '--node-arg=<value>',
    says: '',
  },
  { flags: ['--source-map-support'], takes: 'nothing', of: starts, as: '--node-arg=--enable-source-maps', says: '' },
  { flags: ['--disable-source-map-support'], takes: 'nothing', of: starts, as: '', says: 'Source maps are off.' },
  {
    flags: ['--interpreter'],
    takes: 'value',
    of: starts,
    as: '--node <value>',
    says: 'A path of Node.js. `node`, `tsx` and `ts-node` need not be said; other programs are not run.',
  },
  {
    flags: ['-x', '--execute-command'],
    weak: true,
    takes: 'nothing',
    of: starts,
    as: '--workers 1',
    says: "There is one mode; one worker of it is PM2's fork mode.",
  },
  { flags: ['--uid'], takes: 'value', of: starts, as: '--user <value>', says: '' },
  { flags: ['--gid'], takes: 'value', of: starts, as: '--group <value>', says: '' },
  { flags: ['--filter-env'], takes: 'value', of: starts, each: 'list', as: '--drop-env <value>*', says: '' },
  {
    flags: ['-l', '--log', '-o', '--output', '--out'],
    takes: 'value',
    of: starts,
    as: '--log-file <value>',
    says: oneFile,
  },
  { flags: ['-e', '--error'], takes: 'value', of: starts, as: null, moot: true, says: oneFile },
  { flags: ['--log-type'], takes: 'value', of: starts, as: '--log-format <value>', says: '`json`' },
  { flags: ['--disable-logs'], takes: 'nothing', of: starts, as: '--log-file /dev/null', says: '' },
  {
    flags: ['--merge-logs'],
    takes: 'nothing',
    of: starts,
    as: '',
    says: 'They are: one file for all workers, labelled.',
  },
  { flags: ['--time'], takes: 'nothing', of: starts, as: '', says: 'tutti logs shows the time of each line.' },
  { flags: ['--log-date-format'], takes: 'value', of: starts, as: null, moot: true, says: 'Times are ISO 8601.' },
  {
    flags: ['--attach'],
    takes: 'nothing',
    of: ['start'],
    as: null,
    instead: 'tutti run server.js',
    says: 'run stays in the foreground; tutti logs -f follows an app in the background.',
  },
  {
    flags: ['--no-daemon'],
    takes: 'nothing',
    of: starts,
    as: '',
    turnsInto: 'run',
    says: 'Read as `tutti run`, which stays in the foreground: for terminals, containers and service managers. All apps of the file.',
  },
  {
    flags: ['--max-restarts', '--min-uptime'],
    takes: 'value',
    of: starts,
    as: null,
    moot: true,
    says: 'An app is never given up for a count: a crash loop backs off and opens a [circuit](lifecycle.md).',
  },
  {
    flags: ['--restart-delay', '--exp-backoff-restart-delay'],
    takes: 'value',
    of: starts,
    as: null,
    moot: true,
    says: backsOff,
  },
  {
    flags: ['--namespace'],
    takes: 'value',
    of: starts,
    as: null,
    moot: true,
    says: 'There are no namespaces: name several apps in one command, or start and stop a file.',
  },
  {
    flags: ['-f', '--force'],
    takes: 'nothing',
    of: starts,
    as: null,
    instead: 'tutti start server.js --name second',
    says: 'Two apps of one name could not be told apart. Give the second one a name of its own.',
  },
  {
    flags: ['--no-autostart'],
    takes: 'nothing',
    of: starts,
    as: null,
    instead: 'tutti start web',
    says: 'Name the apps that are to start, and leave this one out.',
  },
  {
    flags: ['--no-treekill'],
    takes: 'nothing',
    of: starts,
    as: '',
    says: 'What a program starts, it ends: in its handler of the stop signal.',
  },
  {
    flags: ['--parallel'],
    takes: 'value',
    of: [...starts, ...changes],
    as: null,
    moot: true,
    says: 'tutti measures how many starts the machine takes at once.',
  },
  {
    flags: [
      '--no-pmx',
      '--no-automation',
      '--no-vizion',
      '--trace',
      '--v8',
      '--event-loop-inspector',
      '--deep-monitoring',
      '--disable-trace',
    ],
    takes: 'nothing',
    of: starts,
    as: null,
    moot: true,
    says: builtIn,
  },
  {
    flags: ['-p', '--pid'],
    takes: 'value',
    of: starts,
    as: null,
    moot: true,
    says: 'tutti status --json tells the pid.',
  },
  {
    flags: ['--container', '--dist', '--dockerdaemon', '--fresh'],
    takes: 'nothing',
    of: starts,
    as: null,
    instead: 'tutti export docker server.js',
    says: 'It makes a Dockerfile whose command is tutti run.',
  },
  {
    flags: ['--image-name', '--node-version'],
    takes: 'value',
    of: starts,
    as: null,
    instead: 'tutti export docker server.js',
    says: 'It makes a Dockerfile whose command is tutti run.',
  },
  {
    flags: ['-s', '--silent', '-m', '--mini-list'],
    takes: 'nothing',
    of: [...starts, ...changes, 'status', 'save', 'resurrect'],
    as: '',
    says: 'What was done is said in one line.',
  },
  {
    flags: ['--no-color'],
    takes: 'nothing',
    of: [...starts, ...changes, 'status', 'logs', 'describe'],
    as: '',
    says: 'NO_COLOR=1, or a pipe.',
  },
  { flags: ['--sort'], takes: 'value', of: ['status'], as: '', says: 'By name.' },
  { flags: ['--lines'], takes: 'value', of: ['logs'], as: '--lines <value>', says: '' },
  { flags: ['--nostream'], takes: 'nothing', of: ['logs'], as: '', says: 'It ends without -f.' },
  { flags: ['--err'], takes: 'nothing', of: ['logs'], as: '--err', says: '' },
  { flags: ['--out'], takes: 'nothing', of: ['logs'], as: '--out', says: '' },
  { flags: ['--raw'], takes: 'nothing', of: ['logs'], as: '--raw', says: '' },
  { flags: ['--highlight'], takes: 'value', of: ['logs'], as: '--grep <value>', says: 'Shows the lines that hold it.' },
  { flags: ['--timestamp'], takes: 'maybe', of: ['logs'], as: '', says: 'Each line has its time.' },
  { flags: ['--format'], takes: 'nothing', of: ['logs'], as: '--json', says: 'As JSON.' },
];
