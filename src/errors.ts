// Every error that an operator or a library user can meet: one class, and one table that says for each code what it means, how
// it is worded, what to do about it, and with which exit code a command ends. docs/errors.md is generated from the table.
// The wording: what could not be done, the rule, the value; then the remedy, as something to do or type.

/** Exit codes of `tutti run` (the first table of docs/exit-codes.md) and of commands (the second). */
export const exitCodes = {
  stopped: 0,
  failed: 1,
  degraded: 2,
  neverReady: 3,
  timedOut: 4,
  notRunning: 5,
  refused: 6,
  usage: 64,
  cannotBind: 69,
  bug: 70,
  gaveUp: 75,
  permission: 77,
  configuration: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface ErrorRow<D> {
  exitCode: ExitCode;
  /** When it happens: one sentence for docs/errors.md. */
  when: string;
  message: (details: D) => string;
  remedy: (details: D) => string;
  /** Shown in the docs. */
  example: D;
}

function error<D>(row: ErrorRow<D>): ErrorRow<D> {
  return row;
}

/** One thing wrong with one option. */
export interface Problem {
  /** Where the value came from: `--workers`, `TUTTI_WORKERS`, `tutti.config.ts: workers`. */
  source: string;
  message: string;
}

const listed = (problems: readonly Problem[]): string =>
  problems.length === 1
    ? ` ${problems[0]?.source} ${problems[0]?.message}`
    : problems.map(({ source, message }) => `\n  ${source} ${message}`).join('');

/** What helps against a first start that failed, by what was said of it; the first that fits. */
const remediesOfStart: readonly [RegExp, string][] = [
  [
    /it listens, but did not call process\.send\('ready'\)/,
    'Leave wait_ready out (--ready listening): the program listens, and never says that it is ready.',
  ],
  [
    /did not listen/,
    'A program that serves nothing, such as a queue worker, is run with --ready started; --start-timeout gives a slow start more time.',
  ],
  [
    /Cannot find (module|package) '[^'./]/,
    'Install what the program needs (npm ci, in the folder of its package.json), or correct the name of the module.',
  ],
  [/Cannot find (module|package)/, 'Correct the path of the module, or build what is to be there.'],
  [
    /too many open files/,
    'Raise the limit of open files: ulimit -n in a shell, LimitNOFILE= in a unit, ulimits in a container. The supervisor needs two for each worker, and some of its own.',
  ],
  [/SyntaxError: /, 'Correct the file at the place that Node names.'],
  [
    /NODE_APP_INSTANCE value of/,
    'node-config takes NODE_APP_INSTANCE for the name of a file. Give the slot another variable: --instance-var TUTTI_INSTANCE',
  ],
  [
    /ERR_ACCESS_DENIED/,
    "Under Node's permission model the worker must be able to read tutti's own files: --node-arg=--allow-fs-read=<folder of tutti>/*",
  ],
];

function remedyOfStart(said: string): string {
  return (
    remediesOfStart.find(([pattern]) => pattern.test(said))?.[1] ??
    'Run the program with node alone to see the same failure; --start-timeout gives a slow start more time.'
  );
}

const lines = (text: readonly string[]): string => text.map((line) => `\n  ${line}`).join('');

const noRight = 'Let this user do that, or name a place where it may.';
const noMore = 'End other processes, or raise the limits of processes (ulimit -u, TasksMax=) and of memory.';
const noFiles = 'Raise the limit of open files: ulimit -n in a shell, LimitNOFILE= in a unit, ulimits in a container.';

/** What to do when the system refuses something, by its code. What is not in here is taken for a bug. */
export const systemRemedies: Readonly<Record<string, string>> = {
  EMFILE: noFiles,
  ENFILE: noFiles,
  EAGAIN: noMore,
  ENOMEM: noMore,
  ENOSPC: 'Make room on the disk.',
  EDQUOT: 'Make room on the disk, or raise the quota.',
  EIO: 'Look after the disk.',
  EROFS: noRight,
  EACCES: noRight,
  EPERM: noRight,
};

export const errors = {
  ERR_USAGE: error<{ problem: string; hint: string }>({
    exitCode: 64,
    when: 'The command line cannot be understood: an unknown command or flag, a missing or superfluous argument.',
    message: ({ problem }) => `Cannot understand the command line: ${problem}.`,
    remedy: ({ hint }) => hint,
    example: { problem: 'unknown option "--worker"', hint: 'Did you mean --workers? See tutti run --help.' },
  }),
  ERR_PM2_WORD: error<{ word: string; instead: string | null; says: string }>({
    exitCode: 64,
    when: 'A command or flag of PM2 for which tutti has another way, or none ([from-pm2.md](from-pm2.md)).',
    message: ({ word, says }) => `Cannot do "${word}": it is a word of PM2. ${says}`,
    remedy: ({ instead }) => (instead === null ? 'All words of PM2: docs/from-pm2.md' : `Type: ${instead}`),
    example: {
      word: 'startup',
      instead: 'tutti service install web',
      says: 'Each app gets a unit of its own.',
    },
  }),
  ERR_FLAGS_INVALID: error<{ problems: readonly Problem[] }>({
    exitCode: 64,
    when: 'Values given on the command line break their rules. All problems are told at once.',
    message: ({ problems }) => `Cannot use the options:${listed(problems)}`,
    remedy: () => 'Correct the command line; with --help after it, the command lists every option with its rule.',
    example: { problems: [{ source: '--workers', message: 'must be "auto", "max", a whole number …, got "many".' }] },
  }),
  ERR_CONFIG_INVALID: error<{ problems: readonly Problem[] }>({
    exitCode: 78,
    when: 'Values in the configuration file or in TUTTI_* variables break their rules, or a key is unknown. All problems are told at once.',
    message: ({ problems }) => `Cannot use the configuration:${listed(problems)}`,
    remedy: () =>
      'Correct each place named above; docs/options.md has the rules, and tutti check tries it without starting.',
    example: {
      problems: [{ source: 'tutti.config.ts: worker', message: 'is not an option; did you mean "workers"?' }],
    },
  }),
  ERR_CONFIG_NOT_FOUND: error<{ path: string }>({
    exitCode: 78,
    when: 'The configuration file that was named does not exist.',
    message: ({ path }) => `Cannot read the configuration: there is no file "${path}".`,
    remedy: () =>
      'Correct the path, or leave it (and --config) out: then the usual names are looked for in the current folder.',
    example: { path: '/srv/shop/tutti.config.ts' },
  }),
  ERR_CONFIG_UNREADABLE: error<{ path: string; reason: string }>({
    exitCode: 77,
    when: 'The configuration file exists and may not be read.',
    message: ({ path, reason }) => `Cannot read the configuration "${path}": ${reason}.`,
    remedy: ({ path }) => `Let this user read it: chmod u+r "${path}", or run tutti as its owner.`,
    example: { path: '/srv/shop/tutti.config.ts', reason: 'EACCES: permission denied' },
  }),
  ERR_CONFIG_FOREIGN: error<{ path: string; why: string }>({
    exitCode: 77,
    when: 'A configuration file was found, not named, and somebody else could have written it: it, its folder and those above it must belong to this user or to root, and nobody else may write there.',
    message: ({ path, why }) => `Cannot use the configuration "${path}", which was found here: ${why}.`,
    remedy: ({ path }) =>
      `If you trust it, name it: --config "${path}". Otherwise take that right away (chown, chmod go-w).`,
    example: { path: '/srv/shop/tutti.config.ts', why: '/srv/shop: everybody may write to it (mode 777)' },
  }),
  ERR_CONFIG_FAILED: error<{ path: string; reason: string }>({
    exitCode: 78,
    when: 'The configuration file threw, has a syntax error, or did not end.',
    message: ({ path, reason }) => `Cannot load the configuration "${path}": ${reason}`,
    remedy: () => 'Correct the file; it is run on its own, in a short-lived process, and must export plain values.',
    example: {
      path: '/srv/shop/tutti.config.ts',
      reason: 'ReferenceError: port is not defined (tutti.config.ts:3:12)',
    },
  }),
  ERR_CONFIG_EMPTY: error<{ path: string; got: string }>({
    exitCode: 78,
    when: 'The configuration file does not export an app.',
    message: ({ path, got }) =>
      `Cannot use the configuration "${path}": it must export one app or { apps: [ … ] }, got ${got}.`,
    remedy: () => "Export the app as the default: export default { entry: 'server.js' }.",
    example: { path: '/srv/shop/tutti.config.ts', got: 'undefined' },
  }),
  ERR_CONFIG_MISSING: error<{ folder: string }>({
    exitCode: 64,
    when: 'Neither an entry was named nor is there a configuration file.',
    message: ({ folder }) => `Cannot tell what to run: no entry was named, and "${folder}" has no tutti.config file.`,
    remedy: () => 'Name the program, as in: tutti run server.js',
    example: { folder: '/srv/shop' },
  }),
  ERR_APP_CHOICE: error<{ path: string; names: readonly string[]; asked: string | null; command: string }>({
    exitCode: 64,
    when: 'The configuration file names several apps and the command must know which one.',
    message: ({ path, names, asked }) =>
      asked === null
        ? `Cannot tell which app is meant: "${path}" names ${names.length}: ${names.join(', ')}.`
        : `Cannot find the app "${asked}": "${path}" names ${names.join(', ')}.`,
    remedy: ({ names, command }) =>
      `Name one of them, as in: tutti ${command} --name ${names[0]}. To leave the file aside, add --config none.`,
    example: { path: '/srv/shop/tutti.config.ts', names: ['web', 'mail'], asked: null, command: 'run' },
  }),
  ERR_APP_LEFT_OUT: error<{ path: string; asked: string; key: string; why: string }>({
    exitCode: 78,
    when: 'The app that a command names stands in an ecosystem file, and is none that can be run.',
    message: ({ path, asked, key, why }) => `Cannot start "${asked}" of "${path}": "${key}": ${why}.`,
    remedy: () => 'Name its Node.js program as "script", or run it by other means.',
    example: {
      path: '/srv/shop/ecosystem.config.js',
      asked: 'jobs',
      key: 'interpreter',
      why: 'only Node.js programs are run, not those of python3; this app is left out',
    },
  }),
  ERR_ENTRY_REQUIRED: error<{ path: string; app: string }>({
    exitCode: 78,
    when: 'An app in the configuration file has no entry.',
    message: ({ path, app }) => `Cannot start ${app}: "${path}" gives it no "entry".`,
    remedy: () => "Add the program's path, relative to the file: entry: 'server.js'.",
    example: { path: '/srv/shop/tutti.config.ts', app: 'apps[1]' },
  }),
  ERR_ENTRY_NOT_FOUND: error<{ entry: string; hint: string }>({
    exitCode: 78,
    when: 'The program to run does not exist.',
    message: ({ entry }) => `Cannot start: the entry must be an existing file, and there is no "${entry}".`,
    remedy: ({ hint }) => hint,
    example: { entry: '/srv/shop/sever.js', hint: 'Did you mean "server.js"?' },
  }),
  ERR_ENTRY_IS_FOLDER: error<{ entry: string }>({
    exitCode: 78,
    when: 'The program to run is a folder that node could not run either.',
    message: ({ entry }) =>
      `Cannot start: the entry "${entry}" is a folder that has neither a package.json with a valid "main" nor an index.js.`,
    remedy: () => 'Name the file itself, as in: tutti run dist/server.js',
    example: { entry: '/srv/shop' },
  }),
  ERR_ENTRY_NOT_NODE: error<{ entry: string; what: string }>({
    exitCode: 78,
    when: 'The program to run is a script of another interpreter, or a binary.',
    message: ({ entry, what }) => `Cannot start: the entry must be a program for Node.js, and "${entry}" is ${what}.`,
    remedy: () =>
      'If it only starts a Node.js program, name that one. Other programs are the business of the service manager.',
    example: { entry: '/srv/shop/start.sh', what: 'a script for /bin/sh' },
  }),
  ERR_PACKAGE_SCRIPT: error<{ why: string; hint: string }>({
    exitCode: 78,
    when: 'A script of package.json is named as the program (`npm start`), and what it runs cannot be told, or is no file for node.',
    message: ({ why }) => `Cannot start: ${why}.`,
    remedy: ({ hint }) => hint,
    example: {
      why: 'the script "start" of "/srv/shop/package.json" is `next start`, and that is no call of node',
      hint: 'Name the file of the server that it has built; or, if next is itself the server, type: tutti start node_modules/.bin/next -- start',
    },
  }),
  ERR_ENTRY_UNREADABLE: error<{ entry: string; reason: string }>({
    exitCode: 77,
    when: 'The program to run exists and may not be read.',
    message: ({ entry, reason }) => `Cannot start: the entry "${entry}" must be readable: ${reason}.`,
    remedy: ({ entry }) => `Let this user read it: chmod u+r "${entry}", or run tutti as its owner.`,
    example: { entry: '/srv/shop/server.js', reason: 'EACCES: permission denied' },
  }),
  ERR_TYPESCRIPT_LOADER: error<{ entry: string; node: string; folder: string }>({
    exitCode: 78,
    when: 'The entry is TypeScript, this Node.js cannot run it by itself, and the project has no loader that could.',
    message: ({ entry, node }) =>
      `Cannot start "${entry}": Node.js ${node} does not run TypeScript by itself (22.18 and later do), and neither tsx nor @swc-node/register is installed beside it.`,
    remedy: ({ folder }) => `Run npm install tsx in "${folder}", compile the program first, or use a newer Node.js.`,
    example: { entry: '/srv/shop/server.ts', node: '20.19.0', folder: '/srv/shop' },
  }),
  ERR_CWD_INVALID: error<{ path: string; source: string; reason: string }>({
    exitCode: 78,
    when: 'The working folder does not exist or is not a folder.',
    message: ({ path, source, reason }) =>
      `Cannot start: ${source} must be an existing folder, got "${path}" (${reason}).`,
    remedy: () => 'Create the folder or correct the path.',
    example: { path: '/srv/shop/currnet', source: '--cwd', reason: 'ENOENT' },
  }),
  ERR_NODE_INVALID: error<{ path: string; source: string; reason: string }>({
    exitCode: 78,
    when: 'The Node.js binary for the workers does not exist or may not be executed.',
    message: ({ path, source, reason }) =>
      `Cannot start: ${source} must be an executable Node.js binary, got "${path}" (${reason}).`,
    remedy: () => 'Correct the path, or leave the option out to use the Node.js that runs tutti.',
    example: { path: '/opt/node22/bin/node', source: '--node', reason: 'ENOENT' },
  }),
  ERR_ENV_FILE: error<{ path: string; reason: string }>({
    exitCode: 78,
    when: 'A file of environment variables does not exist or cannot be read.',
    message: ({ path, reason }) => `Cannot read the environment file "${path}": ${reason}.`,
    remedy: () => 'Correct the path after --env-file (or envFile), or make the file readable.',
    example: { path: '/srv/shop/.env', reason: 'ENOENT: no such file' },
  }),
  /** `shown`: whoever reads this has just seen the last lines, where the worker wrote them. */
  ERR_NEVER_READY: error<{ reason: string; lastLines: readonly string[]; shown?: boolean }>({
    exitCode: 3,
    when: 'At the first start no worker became ready.',
    message: ({ reason, lastLines, shown = false }) => `Cannot start: ${reason}${shown ? '' : lines(lastLines)}`,
    remedy: ({ reason, lastLines }) => remedyOfStart([reason, ...lastLines].join('\n')),
    example: { reason: 'no worker became ready.', lastLines: ["Error: Cannot find module 'express'"] },
  }),
  ERR_PORT_IN_USE: error<{ where: string }>({
    exitCode: 69,
    when: 'At the first start the program could not listen, because another process already does.',
    message: ({ where }) => `Cannot start: the program must listen on ${where}, and another process already does.`,
    remedy: ({ where }) =>
      /^[/\\@]/.test(where)
        ? 'End the other process (ss -lxp shows it). If nobody listens there any more, remove the file.'
        : 'End the other process (ss -ltnp shows it), or let the program listen elsewhere.',
    example: { where: '0.0.0.0:8000' },
  }),
  ERR_PORT_FORBIDDEN: error<{ where: string }>({
    exitCode: 77,
    when: 'At the first start the program could not listen, because this user may not (ports below 1024, a folder without write permission).',
    message: ({ where }) => `Cannot start: the program must listen on ${where}, and this user may not.`,
    remedy: () =>
      'Use a port from 1024 on, or grant the right: under systemd AmbientCapabilities=CAP_NET_BIND_SERVICE, else sysctl net.ipv4.ip_unprivileged_port_start=80.',
    example: { where: '0.0.0.0:80' },
  }),
  ERR_NO_BOOT_MANAGER: error<object>({
    exitCode: 1,
    when: 'tutti service is asked for on a machine where nothing is known that could start the app with it: systemd is not process 1, and there is neither OpenRC nor cron.',
    message: () =>
      'Cannot manage a service here: nothing is known that starts it with the machine (systemd is not process 1, and there is neither OpenRC nor cron: no crontab command with --user, no /etc/cron.d without).',
    remedy: () =>
      'In a container the engine restarts it: make tutti run its command. To see the units for another machine: tutti export systemd',
    example: {},
  }),
  ERR_SERVICE_USER: error<{ problem: string; hint: string }>({
    exitCode: 77,
    when: 'A service cannot be installed or removed by this user, or for the user it is to run as.',
    message: ({ problem }) => `Cannot manage the service: ${problem}.`,
    remedy: ({ hint }) => hint,
    example: {
      problem: 'only root may write to /etc/systemd/system',
      hint: 'Type: sudo tutti service install server.js, or without root: tutti service install server.js --user',
    },
  }),
  ERR_SERVICE_RUNS: error<{ name: string; pid: number }>({
    exitCode: 6,
    when: 'A service is to be installed for an app that runs already, started by hand: both would want the same name and ports.',
    message: ({ name, pid }) => `Cannot install the service: ${name} runs already (pid ${pid}), and not as a service.`,
    remedy: ({ name }) => `Stop it and type the same again: tutti stop ${name}`,
    example: { name: 'web', pid: 4711 },
  }),
  ERR_SERVICE_STEP: error<{ what: string; reason: string; done: number }>({
    exitCode: 1,
    when: 'A step of the installation or removal of a service failed; those before it are done.',
    message: ({ what, reason }) => `Cannot go on with the service: "${what}" failed: ${reason}.`,
    remedy: () => 'Do away with the reason and type the same again, or take back what is done: tutti service remove',
    example: { what: 'systemctl start tutti-web.service', reason: 'exit code 1', done: 4 },
  }),
  ERR_STATE_FOLDER: error<{ path: string; reason: string }>({
    exitCode: 77,
    when: "The folder where tutti keeps sockets, records and logs may not be read, is not this user's own, or others may write to it: what is read there is run.",
    message: ({ path, reason }) => `Cannot use the state folder "${path}": ${reason}.`,
    remedy: ({ reason }) =>
      reason.includes('cannot look into')
        ? 'Give this user the right to do so (chmod u+rx), or set TUTTI_HOME to another folder.'
        : reason.includes('may write')
          ? 'Take that right away (chmod go-w), or set TUTTI_HOME to a folder of this user alone; it is made if it is not there.'
          : 'Set TUTTI_HOME to a folder of this user alone (it is made if it is not there), or run tutti as the owner of this one.',
    example: { path: '/home/web/.tutti', reason: 'it belongs to user 0, and this is user 1000' },
  }),
  ERR_LAMBDA_API: error<{ reason: string }>({
    exitCode: 1,
    when: 'tutti lambda finds no Runtime API, or the one that it served does not answer any more.',
    message: ({ reason }) => `Cannot serve as a Lambda function: ${reason}.`,
    remedy: () => 'It runs on AWS Lambda or in its emulator, as bootstrap or command; everywhere else type: tutti run',
    example: { reason: 'AWS_LAMBDA_RUNTIME_API must be set to host:port' },
  }),
  ERR_LAMBDA_NO_SERVER: error<{ reason: string }>({
    exitCode: 1,
    when: 'An invocation came and the application listens nowhere.',
    message: ({ reason }) => `Cannot hand the request to the application: ${reason}.`,
    remedy: () => 'The program must listen on a TCP port or a unix socket and speak HTTP/1.1 there.',
    example: { reason: 'it listens nowhere' },
  }),
  ERR_LAMBDA_NO_ANSWER: error<{ reason: string }>({
    exitCode: 1,
    when: 'The application took a request and did not answer it: its worker died, or it closed the connection.',
    message: ({ reason }) => `The application did not answer: ${reason}.`,
    remedy: () => 'Its log says why; a worker that died has been replaced.',
    example: { reason: 'socket hang up' },
  }),
  ERR_LAMBDA_TIMEOUT: error<{ afterMs: number }>({
    exitCode: 1,
    when: 'The application had not answered shortly before the time limit of the function.',
    message: ({ afterMs }) => `The application did not answer within ${afterMs} ms, and the function's time is up.`,
    remedy: () => 'Raise the timeout of the function, or look for what the application waits for.',
    example: { afterMs: 2700 },
  }),
  ERR_LAMBDA_TOO_LARGE: error<{ bytes: number | null; most: number }>({
    exitCode: 1,
    when: 'An answer is larger than what Lambda takes in one piece.',
    message: ({ bytes, most }) =>
      `The answer is too large: at most ${most} bytes of JSON, got ${bytes ?? 'more'}; a body that is no text takes a third more there.`,
    remedy: () =>
      'Have it streamed: --invoke-mode response-stream, with RESPONSE_STREAM for the function URL or STREAM for the REST API.',
    example: { bytes: 8_388_700, most: 6_291_556 },
  }),
  ERR_LAMBDA_EVENT: error<{ status: number; path: string }>({
    exitCode: 1,
    when: 'The application answered an event that is no HTTP request with another status than 2xx, so it counts as failed and may come again.',
    message: ({ status, path }) => `The application refused the event: POST ${path} must answer 2xx, got ${status}.`,
    remedy: () => 'Serve that path, or name another with --events-path.',
    example: { status: 404, path: '/events' },
  }),
  ERR_NO_LOG: error<{ name: string }>({
    exitCode: 6,
    when: "The log of an app is asked for whose workers write to tutti's own stdout and stderr.",
    message: ({ name }) =>
      `Cannot show the log of "${name}": its workers write to where tutti run was started, not to a file.`,
    remedy: () => 'Start it with --log-file <file>, or in the background with tutti start.',
    example: { name: 'web' },
  }),
  ERR_NO_INCIDENT: error<{ name: string; id: string }>({
    exitCode: 6,
    when: 'An incident is asked for that is not known, or not any more: the last 50 of 30 days are kept.',
    message: ({ name, id }) => `Cannot show the incident "${id}" of ${name}: it is not known.`,
    remedy: ({ name }) => `To see those that are: tutti describe ${name}`,
    example: { name: 'web', id: '20260102T030405678Z-0-1' },
  }),
  ERR_NOT_INSPECTED: error<{ name: string; reason: string }>({
    exitCode: 1,
    when: 'A profile, a stack or a heap snapshot of a worker could not be taken.',
    message: ({ reason }) => reason,
    remedy: ({ name }) =>
      `To see which workers live: tutti status ${name}. Where one hung is in its incident: tutti describe ${name}`,
    example: { name: 'web', reason: 'Cannot look into this worker: no worker lives in slot 9.' },
  }),
  ERR_NO_ENVIRONMENT: error<{ name: string; slot: number; reason: string }>({
    exitCode: 6,
    when: 'The environment of a worker is asked for and cannot be read.',
    message: ({ name, slot, reason }) =>
      `Cannot show the environment of "${name}" in slot ${slot}: it is read from /proc/<pid>/environ of a living worker, and ${reason}.`,
    remedy: ({ name }) => `To see its workers: tutti status ${name}. What was configured: tutti check`,
    example: { name: 'web', slot: 7, reason: 'no worker lives in that slot' },
  }),
  ERR_NOT_RUNNING: error<{
    name: string | null;
    isStopped: boolean;
    nearest: string | null;
    running: readonly string[];
    /** The configuration file here, if it decides what is meant. */
    file: string | null;
    /** Its workers that outlived its supervisor. */
    orphans: readonly number[];
    /** They serve on. */
    servesOn: boolean;
    /** Its supervisor, if that has ended without a word. */
    died: number | null;
  }>({
    exitCode: 5,
    when: 'The app that a command names does not run, or nothing runs at all.',
    message: ({ name, isStopped, running, file, orphans, died }) =>
      name === null
        ? file === null
          ? 'Cannot do that: nothing is running.'
          : `Cannot tell which app is meant: nothing that runs came from "${file}"; what runs is ${running.join(', ')}.`
        : orphans.length > 0
          ? `Cannot reach the app "${name}": its supervisor was killed, and of its workers these still live: ${orphans.join(', ')}.`
          : isStopped
            ? `Cannot reach the app "${name}": ${died === null ? 'it is stopped' : `its supervisor (pid ${died}) was killed, or the machine failed`}.`
            : `Cannot find the app "${name}": ${running.length === 0 ? 'nothing is running' : `running: ${running.join(', ')}`}.`,
    remedy: ({ name, isStopped, nearest, running, file, orphans, servesOn }) =>
      name === null && file !== null
        ? `Name it, as in: tutti status ${running[0]}`
        : servesOn
          ? `They serve on. To supervise the app again, without a pause: tutti start ${name}. To end it: tutti stop ${name}`
          : orphans.length > 0 && !isStopped
            ? `They leave when they have finished what they have. To end them now: tutti stop ${name}; a start of the app ends those that hang.`
            : isStopped
              ? `To start it again: tutti start ${name}. What it wrote, and why it died: tutti logs ${name}, tutti describe ${name}`
              : /^\d+$/.test(name ?? '')
                ? `There are no ids: an app has one name. ${running.length === 0 ? 'To start something: tutti start server.js' : 'To see what runs: tutti status'}`
                : nearest === null
                  ? 'To see what runs: tutti status. To start something: tutti start server.js'
                  : `Did you mean "${nearest}"?`,
    example: {
      name: 'wbe',
      isStopped: false,
      nearest: 'web',
      running: ['web', 'mail'],
      file: null,
      orphans: [],
      servesOn: false,
      died: null,
    },
  }),
  ERR_APP_AMBIGUOUS: error<{ names: readonly string[]; command: string }>({
    exitCode: 64,
    when: 'Several apps run and the command must know which one is meant.',
    message: ({ names }) => `Cannot tell which app is meant: ${names.length} run: ${names.join(', ')}.`,
    remedy: ({ names, command }) => `Name it, as in: tutti ${command} ${names[0]}`,
    example: { names: ['mail', 'web'], command: 'reload' },
  }),
  ERR_ALREADY_RUNNING: error<{ names: readonly string[] }>({
    exitCode: 6,
    when: 'An app of that name runs already; two of one name could not be told apart.',
    message: ({ names }) => `Cannot start: ${names.join(', ')} ${names.length === 1 ? 'runs' : 'run'} already.`,
    remedy: ({ names }) =>
      `To load new code: tutti reload ${names.join(' ')}. To run the program a second time, give it a name of its own: --name`,
    example: { names: ['web'] },
  }),
  ERR_RUNS_AS_ROOT: error<{ name: string }>({
    exitCode: 77,
    when: 'Root starts an app on a server: whoever finds a hole in the application would own the machine.',
    message: ({ name }) => `Cannot start ${name}: its workers would run as root, on a server.`,
    remedy: () =>
      'Give them a user of their own: --user <name> (ports below 1024 are bound all the same). To run them as root: --allow-root',
    example: { name: 'web' },
  }),
  ERR_ACCOUNT_UNKNOWN: error<{ kind: 'user' | 'group'; name: string }>({
    exitCode: 78,
    when: 'The user or group that workers are to run as does not exist.',
    message: ({ kind, name }) => `Cannot run workers as ${kind} "${name}": this system has no such ${kind}.`,
    remedy: ({ kind }) =>
      kind === 'user'
        ? 'Correct --user (user), or make it: useradd --system --no-create-home <name>'
        : 'Correct --group (group), or make it: groupadd --system <name>',
    example: { kind: 'user', name: 'webb' },
  }),
  ERR_ACCOUNT_REFUSED: error<{ whom: string; reason: string }>({
    exitCode: 77,
    when: 'Workers are to run as another user, and this process may not start them so.',
    message: ({ whom, reason }) => `Cannot run workers as ${whom}: ${reason}.`,
    remedy: () => 'Start tutti as root, or as that user and without --user; --user takes a name or a number.',
    example: { whom: 'user www-data', reason: 'only root may start processes as somebody else, and this is user 1000' },
  }),
  ERR_ACCOUNT_REACH: error<{ name: string; path: string; reason: string }>({
    exitCode: 77,
    when: 'The user that workers are to run as cannot reach the program, its folder, node or the files of tutti.',
    message: ({ name, path, reason }) => `Cannot run workers as user "${name}": it cannot use "${path}" (${reason}).`,
    remedy: ({ name, path }) =>
      `Give it the right to read, and to enter every folder on the way (namei -l ${path}), or move it out of a home: user "${name}" reads /srv, /opt and /usr as a rule.`,
    example: { name: 'www-data', path: '/root/app/server.js', reason: 'EACCES' },
  }),
  ERR_NOTHING_TO_SAVE: error<object>({
    exitCode: 5,
    when: 'tutti save finds no app that runs and was started in the background: an empty list is saved only on demand.',
    message: () => 'Cannot save: no app runs that was started by tutti start.',
    remedy: () => 'Start what a boot is to bring back, then save. To have a boot bring none back: tutti save --force',
    example: {},
  }),
  ERR_NOTHING_SAVED: error<{ path: string; damage: string | null }>({
    exitCode: 1,
    when: 'tutti resurrect has no list of apps to start: none was saved, or neither the file nor the copy from before can be used.',
    message: ({ path, damage }) =>
      damage === null
        ? `Cannot bring any app back: none was saved (${path} is not there).`
        : `Cannot bring any app back: ${path} cannot be used, because ${damage}, and there is no copy from before.`,
    remedy: () => 'Start the apps (tutti start all starts every one that was started before), then type: tutti save',
    example: { path: '/home/web/.tutti/boot/saved.json', damage: null },
  }),
  ERR_NOTHING_RECORDED: error<object>({
    exitCode: 5,
    when: 'tutti start all is typed, and no app was started in the background before.',
    message: () => 'Cannot start all: no app was started before.',
    remedy: () => 'Start one by its program, as in: tutti start server.js',
    example: {},
  }),
  ERR_NO_RECORD: error<{ name: string }>({
    exitCode: 1,
    when: 'An app is to be brought back of which it is not known how it was started.',
    message: ({ name }) => `Cannot start ${name}: the record of how it was started is gone or damaged.`,
    remedy: () => 'Start it by its program once more, then type: tutti save',
    example: { name: 'web' },
  }),
  ERR_NOT_WRITTEN: error<{ path: string; reason: string }>({
    exitCode: 1,
    when: 'A file of the state folder cannot be written. What was there before is still there.',
    message: ({ path, reason }) => `Cannot write ${path}: ${reason}.`,
    remedy: () => 'Make room on the disk, or set TUTTI_HOME to a folder that this user may write to.',
    example: { path: '/home/web/.tutti/boot/saved.json', reason: 'ENOSPC: no space left on device, write' },
  }),
  ERR_NO_CONTROL: error<{ name: string; reason: string }>({
    exitCode: 77,
    when: 'An app in the background could not make its control socket or its log files, without which nobody could stop or read it.',
    message: ({ name, reason }) =>
      `Cannot start ${name} in the background: its control socket and log files cannot be made: ${reason}.`,
    remedy: () => 'Set TUTTI_HOME to a folder that this user may write to, or use tutti run.',
    example: { name: 'web', reason: 'EROFS: read-only file system' },
  }),
  ERR_LOG_FILE: error<{ path: string; reason: string }>({
    exitCode: 78,
    when: 'The log file cannot be opened at the start, for a reason that does not pass by itself: no rights, a folder of that name, a folder that cannot be made.',
    message: ({ path, reason }) => `Cannot write the workers' output to ${path}: ${reason}.`,
    remedy: () => 'Name a file that this user may write with --log-file (logFile), or leave it out.',
    example: { path: '/var/log/web.log', reason: "EACCES: permission denied, open '/var/log/web.log'" },
  }),
  ERR_BACKGROUND_LOST: error<{ name: string; how: string; lastLines: readonly string[] }>({
    exitCode: 70,
    when: 'The process in the background ended before it could say why.',
    message: ({ name, how, lastLines }) =>
      `Cannot start ${name}: the process in the background ended (${how}).${lines(lastLines)}`,
    remedy: ({ name }) => `To see more, run it in the foreground: tutti run --name ${name}`,
    example: { name: 'web', how: 'SIGKILL', lastLines: [] },
  }),
  ERR_NO_ANSWER: error<{ reason: string }>({
    exitCode: 4,
    when: 'The supervisor of an app runs and does not answer: it is stopped, starved, or ends in this moment.',
    message: ({ reason }) => `Cannot do that: ${reason}.`,
    remedy: () => 'Try again; tutti doctor looks at what runs and says what is wrong.',
    example: { reason: 'web did not answer within 5000 ms' },
  }),
  ERR_REFUSED: error<{ reason: string }>({
    exitCode: 6,
    when: 'The supervisor of an app answers and refuses, as when too many clients follow its events.',
    message: ({ reason }) => `Cannot do that: the supervisor refuses: ${reason}`,
    remedy: () => 'Where too many listen, end one of them: another tutti top, tutti events -f or page. Then try again.',
    example: { reason: 'Too many clients listen to events already.' },
  }),
  ERR_NOT_RESTARTABLE: error<{ names: readonly string[] }>({
    exitCode: 6,
    when: 'A restart was asked for an app that was not started in the background: whoever runs it would see it end.',
    message: ({ names }) =>
      `Cannot restart ${names.join(', ')}: only an app that tutti start has started can be started again.`,
    remedy: ({ names }) =>
      `To load new code: tutti reload ${names.join(' ')}. To begin anew: stop it, and let what ran it run it again.`,
    example: { names: ['web'] },
  }),
  ERR_NESTED: error<{ entry: string }>({
    exitCode: 64,
    when: 'supervise() was called in a process that is a worker itself, of tutti or of node:cluster.',
    message: ({ entry }) =>
      `Cannot supervise "${entry}": this process is a worker itself, and workers cannot have workers of their own.`,
    remedy: () => 'Run the program that calls supervise() with node, or let tutti run the server itself.',
    example: { entry: 'server.js' },
  }),
  ERR_IMPORT_EXISTS: error<{ path: string }>({
    exitCode: 6,
    when: 'An import would overwrite a configuration file.',
    message: ({ path }) => `Cannot write "${path}": it exists already.`,
    remedy: () => 'To overwrite it: --force. To look first: --stdout. To write elsewhere: --out <file>',
    example: { path: '/srv/web/tutti.config.ts' },
  }),
  ERR_IMPORT_UNWRITABLE: error<{ path: string; reason: string }>({
    exitCode: 77,
    when: 'The configuration file that an import makes cannot be written.',
    message: ({ path, reason }) => `Cannot write "${path}": ${reason}.`,
    remedy: () => 'Name another place with --out <file>, or print it with --stdout.',
    example: { path: '/srv/web/tutti.config.ts', reason: 'EACCES: permission denied' },
  }),
  ERR_OUT_EXISTS: error<{ path: string }>({
    exitCode: 6,
    when: 'A profile or a heap snapshot would overwrite a file, or be written into one that somebody else made.',
    message: ({ path }) => `Cannot write "${path}": it exists already.`,
    remedy: () => 'Remove it, or name another place with --out.',
    example: { path: '/tmp/web.cpuprofile' },
  }),
  ERR_OUT_PLACE: error<{ path: string; folder: string; problem: string }>({
    exitCode: 64,
    when: 'What --out names is no place for a file: its folder is not there, or it is a folder itself.',
    message: ({ path, problem }) => `Cannot write "${path}": ${problem}.`,
    remedy: ({ folder, problem }) =>
      problem.startsWith('there is no folder')
        ? `Make it (mkdir -p ${folder}), or name another place with --out.`
        : 'Name a file, in a folder that is there, with --out.',
    example: { path: '/srv/profiles/web', folder: '/srv/profiles', problem: 'there is no folder /srv/profiles' },
  }),
  ERR_OUT_UNWRITABLE: error<{ path: string; reason: string }>({
    exitCode: 77,
    when: 'A profile or a heap snapshot cannot be written where it should be.',
    message: ({ path, reason }) => `Cannot write "${path}": ${reason}.`,
    remedy: () => 'Name another place with --out.',
    example: { path: '/srv/web.cpuprofile', reason: 'EACCES: permission denied' },
  }),
  ERR_EXPORT_EXISTS: error<{ paths: readonly string[]; to: string }>({
    exitCode: 6,
    when: 'An export would overwrite a file that it did not write, or that somebody has changed since.',
    message: ({ paths }) =>
      `Cannot write ${paths.map((path) => `"${path}"`).join(' and ')}: an export overwrites only what it wrote itself and nobody has changed.`,
    remedy: ({ to }) =>
      `To overwrite all the same: --force. To compare first, print it: tutti export ${to} without --out`,
    example: { paths: ['/srv/web/Dockerfile'], to: 'docker' },
  }),
  ERR_EXPORT_OUTSIDE: error<{ what: string; path: string; folder: string }>({
    exitCode: 64,
    when: 'An image is made of what lies below the current folder, and the program or its configuration does not.',
    message: ({ what, path, folder }) =>
      `Cannot put "${path}" into an image: ${what} must lie in the folder where tutti export is typed, ${folder}, because the image is built from it.`,
    remedy: () => 'Change into the folder that holds both the program and its package.json, and type it there.',
    example: { what: 'the program', path: '/srv/web/server.js', folder: '/home/me' },
  }),
  ERR_IMPORT_FOREIGN: error<{ path: string; got: string }>({
    exitCode: 78,
    when: 'The file to import is not a PM2 ecosystem file.',
    message: ({ path, got }) =>
      `Cannot import "${path}": it must export { apps: [{ script: … }] }, as files of PM2 do, got ${got}.`,
    remedy: () => 'Name the file that you start with pm2.',
    example: { path: '/srv/web/package.json', got: '{"name":"web"}' },
  }),
  ERR_SYSTEM: error<{ code: string; problem: string }>({
    exitCode: 1,
    when: 'The system refused what tutti needs: a limit is reached, a disk is full or read-only, a right is missing.',
    message: ({ problem }) => `Cannot go on, because the system refuses: ${problem}`,
    remedy: ({ code }) => systemRemedies[code] ?? 'Change what the system says, and try again.',
    example: { code: 'EMFILE', problem: 'spawn /usr/bin/node EMFILE' },
  }),
  ERR_INTERNAL: error<{ problem: string }>({
    exitCode: 70,
    when: 'tutti itself has a bug.',
    message: ({ problem }) => `Cannot go on: tutti has a bug: ${problem}`,
    remedy: () => 'Please report it, with the lines above.',
    example: { problem: 'TypeError: …' },
  }),
} as const;

export type ErrorCode = keyof typeof errors;
export type ErrorDetails<C extends ErrorCode> = Parameters<(typeof errors)[C]['message']>[0];

/** The only error that tutti throws on purpose. `message` says what and why, `remedy` what to do. */
export class TuttiError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'TuttiError';
  readonly code: C;
  readonly remedy: string;
  readonly exitCode: ExitCode;
  readonly details: ErrorDetails<C>;

  constructor(code: C, details: ErrorDetails<C>, options?: { cause: unknown }) {
    // A union of rows cannot be called with a union of details; code and details were tied together by the signature.
    const row = errors[code] as unknown as ErrorRow<ErrorDetails<C>>;
    super(row.message(details), options);
    this.code = code;
    this.remedy = row.remedy(details);
    this.exitCode = row.exitCode;
    this.details = details;
  }
}

/** What an error says, for a sentence that says more; anything may have been thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
