// THE table of options. Everything that must know an option – the types, the flags, the variables, validation, --help,
// docs/options.md and the JSON schema for editors – is made from it; nothing else knows a default. Pure.

import type * as v from 'valibot';
import type { Kind } from './values.ts';
import * as is from './values.ts';

export const sections = {
  program: 'What runs',
  workers: 'Workers and how they share connections',
  lifecycle: 'Starting, reloading, stopping',
  health: 'Health and limits',
  operate: 'Seeing and operating',
} as const;

export interface OptionRow {
  kind: Kind;
  /** As a file would give it; validated like any other value. */
  default: unknown;
  /** The property of `Config`, where the unit belongs into its name. */
  as: string;
  /** Long flag without dashes; null: only in a file. */
  flag: string | null;
  short: string | null;
  section: keyof typeof sections;
  doc: string;
  /** What the default means, where its value does not say it. */
  defaultDoc: string | null;
}

interface RowInput<S extends v.GenericSchema, As extends string> {
  kind: Kind<S>;
  default: v.InferInput<S>;
  as: As;
  flag: string | null;
  short?: string;
  section: keyof typeof sections;
  doc: string;
  defaultDoc?: string;
}

function option<S extends v.GenericSchema, const As extends string>(row: RowInput<S, As>) {
  return { ...row, short: row.short ?? null, defaultDoc: row.defaultDoc ?? null };
}

export const options = {
  name: option({
    kind: is.appName,
    default: null,
    as: 'name',
    flag: 'name',
    short: 'n',
    section: 'program',
    doc: 'Name of the app, in commands, logs and metrics.',
    defaultDoc: 'the name in package.json, else that of the entry',
  }),
  required: option({
    kind: is.yesOrNo,
    default: true,
    as: 'required',
    flag: null,
    section: 'program',
    doc: 'Whether the end of this app ends the others, where tutti run runs several of one file.',
  }),
  cwd: option({
    kind: is.optionalText('<folder>'),
    default: null,
    as: 'cwd',
    flag: 'cwd',
    section: 'program',
    doc: 'Working folder of the workers.',
    defaultDoc: "the configuration file's folder, else the current one",
  }),
  env: option({
    kind: is.environment,
    default: {},
    as: 'env',
    flag: 'env',
    section: 'program',
    doc: 'Environment variables of the workers, beside those of tutti itself. May be repeated.',
  }),
  envFile: option({
    kind: is.textList('<file>'),
    default: [],
    as: 'envFile',
    flag: 'env-file',
    section: 'program',
    doc: 'File of environment variables, read again by a reload. As with node, what the environment already holds wins. May be repeated.',
  }),
  envName: option({
    kind: is.optionalText('<name>'),
    default: null,
    as: 'envName',
    flag: 'env-name',
    section: 'program',
    doc: 'Which of the environments under `envs` is added to `env`.',
  }),
  envs: option({
    kind: is.environments,
    default: {},
    as: 'envs',
    flag: null,
    section: 'program',
    doc: 'Named environments: `{ production: { LOG_LEVEL: "warn" } }`.',
  }),
  node: option({
    kind: is.optionalText('<path>'),
    default: null,
    as: 'node',
    flag: 'node',
    section: 'program',
    doc: 'Node.js binary that runs the workers.',
    defaultDoc: 'the one that runs tutti',
  }),
  nodeArgs: option({
    kind: is.textList('<arg>'),
    default: [],
    as: 'nodeArgs',
    flag: 'node-arg',
    section: 'program',
    doc: 'Argument for node itself, such as --max-old-space-size=512. May be repeated.',
  }),
  dropEnv: option({
    kind: is.textList('<name>'),
    default: [],
    as: 'dropEnv',
    flag: 'drop-env',
    section: 'program',
    doc: 'Variable of the surrounding environment that the workers do not get; SECRET_* means all that begin so. May be repeated.',
  }),
  user: option({
    kind: is.optionalText('<user>', 'the name or the number of a user'),
    default: null,
    as: 'user',
    flag: 'user',
    section: 'program',
    doc: 'User that the workers run as, by name or number, when root starts tutti. They have its group or `group`, and no other.',
    defaultDoc: 'whoever starts tutti',
  }),
  group: option({
    kind: is.optionalText('<group>', 'the name or the number of a group'),
    default: null,
    as: 'group',
    flag: 'group',
    section: 'program',
    doc: 'Group of the workers, with `user`.',
    defaultDoc: 'that of the user',
  }),
  allowRoot: option({
    kind: is.yesOrNo,
    default: false,
    as: 'allowRoot',
    flag: 'allow-root',
    section: 'program',
    doc: 'Let the workers run as root. Without it they do not on a server, and in a container one line warns.',
  }),
  instanceVar: option({
    kind: is.variableName,
    default: 'NODE_APP_INSTANCE',
    as: 'instanceVar',
    flag: 'instance-var',
    section: 'program',
    doc: "Variable that holds the worker's slot, counted from 0.",
  }),
  incrementVar: option({
    kind: is.optionalVariableName,
    default: null,
    as: 'incrementVar',
    flag: 'increment-var',
    section: 'program',
    doc: 'Variable whose number grows by one from slot to slot.',
    defaultDoc: 'none',
  }),
  compileCache: option({
    kind: is.yesOrNo,
    default: true,
    as: 'compileCache',
    flag: 'compile-cache',
    section: 'program',
    doc: "Keep compiled code on disk between starts (Node 22.8 and later), in Node's own cache folder.",
  }),

  workers: option({
    kind: is.workers,
    default: 'auto',
    as: 'workers',
    flag: 'workers',
    short: 'i',
    section: 'workers',
    doc: 'How many workers: auto is the CPU quota rounded up, as far as the memory limit bears it; max every CPU of the machine, max-1 all but one; a range scales by load.',
    defaultDoc: 'auto; on platforms that set it, WEB_CONCURRENCY',
  }),
  balance: option({
    kind: is.oneOf('least-connections', 'kernel', 'round-robin', 'ip-hash', 'ports'),
    default: 'least-connections',
    as: 'balance',
    flag: 'balance',
    section: 'workers',
    doc: 'How connections find a worker. ip-hash: a client address always meets the same worker. ports: the worker of slot 0 listens on the port, that of slot 1 on the next, and a proxy in front chooses.',
  }),
  transfer: option({
    kind: is.oneOf('idle', 'unused'),
    default: 'idle',
    as: 'transfer',
    flag: 'transfer',
    section: 'workers',
    doc: 'Which open connections may change their worker: idle ones, between two requests, or only those that are still unused.',
  }),
  keepAliveTimeout: option({
    kind: is.optionalDuration,
    default: null,
    as: 'keepAliveTimeoutMs',
    flag: 'keep-alive-timeout',
    section: 'workers',
    doc: 'How long HTTP servers keep an idle connection, unless the application sets that: longer than the balancer in front does.',
    defaultDoc: "Node's own, 5s",
  }),
  replay: option({
    kind: is.oneOf('safe', 'off'),
    default: 'safe',
    as: 'replay',
    flag: 'replay',
    section: 'workers',
    doc: 'safe: when a worker dies of its own code, the GET, HEAD and OPTIONS requests that it had not begun to answer run once more in another.',
  }),
  replayExcept: option({
    kind: is.requests,
    default: [],
    as: 'replayExcept',
    flag: 'replay-except',
    section: 'workers',
    doc: 'Requests that never run again: a method, a path and what is below it, or both, as in GET:/export. May be repeated.',
  }),
  spares: option({
    kind: is.wholeNumber(0, 64),
    default: 0,
    as: 'spares',
    flag: 'spares',
    section: 'workers',
    doc: 'Booted workers in reserve, which take the place of a lost one at once.',
  }),
  surge: option({
    kind: is.wholeNumber(1, 64),
    default: 1,
    as: 'surge',
    flag: 'surge',
    section: 'workers',
    doc: 'How many extra workers a reload may run at a time.',
  }),

  ready: option({
    kind: is.oneOf('listening', 'message', 'started'),
    default: 'listening',
    as: 'ready',
    flag: 'ready',
    section: 'lifecycle',
    doc: "When a worker is ready: it listens, it says process.send('ready'), or its main module has run.",
  }),
  probe: option({
    kind: is.urlPath,
    default: null,
    as: 'probe',
    flag: 'probe',
    section: 'lifecycle',
    doc: 'Path that each new worker must answer with 2xx or 3xx before it is ready.',
    defaultDoc: 'none',
  }),
  probeTimeout: option({
    kind: is.positiveDuration,
    default: '2s',
    as: 'probeTimeoutMs',
    flag: 'probe-timeout',
    section: 'lifecycle',
    doc: 'How long one probe may take.',
  }),
  startTimeout: option({
    kind: is.positiveDuration,
    default: '30s',
    as: 'startTimeoutMs',
    flag: 'start-timeout',
    section: 'lifecycle',
    doc: 'How long a worker may take to become ready.',
  }),
  canaryTime: option({
    kind: is.duration,
    default: '2s',
    as: 'canaryTimeMs',
    flag: 'canary-time',
    section: 'lifecycle',
    doc: 'How long the first new worker of a reload must live before the others follow; 0 does without.',
  }),
  preStopDelay: option({
    kind: is.duration,
    default: '0s',
    as: 'preStopDelayMs',
    flag: 'pre-stop-delay',
    section: 'lifecycle',
    doc: 'How long a stop goes on serving, with /readyz at 503, before the ports close, so that balancers hear of it first. A second signal ends the wait.',
  }),
  drainTimeout: option({
    kind: is.duration,
    default: '25s',
    as: 'drainTimeoutMs',
    flag: 'drain-timeout',
    section: 'lifecycle',
    doc: 'How long a worker that leaves may take to finish its requests.',
  }),
  stopTimeout: option({
    kind: is.duration,
    default: '3s',
    as: 'stopTimeoutMs',
    flag: 'stop-timeout',
    section: 'lifecycle',
    doc: "How long the application's own SIGTERM handler may take after that, before SIGKILL.",
  }),
  stopSignal: option({
    kind: is.oneOf('SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'),
    default: 'SIGTERM',
    as: 'stopSignal',
    flag: 'stop-signal',
    section: 'lifecycle',
    doc: 'The signal that tells the application, after the drain, to clean up and end.',
  }),
  shutdownMessage: option({
    kind: is.yesOrNo,
    default: false,
    as: 'shutdownMessage',
    flag: 'shutdown-message',
    section: 'lifecycle',
    doc: "Tell the application by the message 'shutdown' (process.on('message')) instead of a signal.",
  }),
  holdTimeout: option({
    kind: is.duration,
    default: '10s',
    as: 'holdTimeoutMs',
    flag: 'hold-timeout',
    section: 'lifecycle',
    doc: 'How long the port stays open, holding clients, while no worker is ready.',
  }),
  reloadFailures: option({
    kind: is.wholeNumber(0, 1024),
    default: 1,
    as: 'reloadFailures',
    flag: 'reload-failures',
    section: 'lifecycle',
    doc: 'How many new workers may fail before a reload is rolled back.',
  }),
  restart: option({
    kind: is.oneOf('always', 'on-failure', 'never'),
    default: 'always',
    as: 'restart',
    flag: 'restart',
    section: 'lifecycle',
    doc: 'Whether a worker that ended by itself is started again.',
  }),
  stopExitCodes: option({
    kind: is.exitCodes,
    default: [],
    as: 'stopExitCodes',
    flag: 'stop-exit-code',
    section: 'lifecycle',
    doc: 'Exit code after which a worker is done and not restarted. May be repeated.',
  }),
  giveUp: option({
    kind: is.durationOrNever,
    default: '60s',
    as: 'giveUpMs',
    flag: 'give-up',
    section: 'lifecycle',
    doc: 'Leave with exit code 75 when no worker has been ready for this long, so that whoever runs tutti starts it anew.',
  }),
  orphan: option({
    kind: is.optionalOneOf('drain', 'serve'),
    default: null,
    as: 'orphan',
    flag: 'orphan',
    section: 'lifecycle',
    doc: 'What workers do when tutti itself is killed: finish what they have and leave, or serve on until another supervisor takes the app over. After tutti start one of them starts it.',
    defaultDoc: 'serve with tutti start, else drain',
  }),
  orphanTimeout: option({
    kind: is.duration,
    default: '10m',
    as: 'orphanTimeoutMs',
    flag: 'orphan-timeout',
    section: 'lifecycle',
    doc: 'How long workers without tutti serve on at most, with orphan serve; then they drain.',
  }),

  livenessTimeout: option({
    kind: is.duration,
    default: '30s',
    as: 'livenessTimeoutMs',
    flag: 'liveness-timeout',
    section: 'health',
    doc: 'Replace a worker whose event loop stood still for this long; 0 never does.',
  }),
  autopsy: option({
    kind: is.yesOrNo,
    default: true,
    as: 'autopsy',
    flag: 'autopsy',
    section: 'health',
    doc: 'Take the JavaScript stack of a hung worker before it is killed.',
  }),
  maxMemory: option({
    kind: is.optionalSize,
    default: null,
    as: 'maxMemoryBytes',
    flag: 'max-memory',
    section: 'health',
    doc: 'Recycle a worker that uses more memory (on Linux: its proportional set size), within 10 %.',
    defaultDoc: 'no limit',
  }),
  maxRequests: option({
    kind: is.optionalCount,
    default: null,
    as: 'maxRequests',
    flag: 'max-requests',
    section: 'health',
    doc: 'Recycle a worker after this many requests, within 10 %.',
    defaultDoc: 'no limit',
  }),
  maxLifetime: option({
    kind: is.optionalDuration,
    default: null,
    as: 'maxLifetimeMs',
    flag: 'max-lifetime',
    section: 'health',
    doc: 'Recycle a worker of this age, within 10 %.',
    defaultDoc: 'no limit',
  }),
  cron: option({
    kind: is.cronExpression,
    default: null,
    as: 'cron',
    flag: 'cron',
    section: 'health',
    doc: 'Recycle all workers, one after the other, on this schedule.',
    defaultDoc: 'never',
  }),

  watch: option({
    kind: is.yesNoOrPaths,
    default: false,
    as: 'watch',
    flag: 'watch',
    section: 'operate',
    doc: 'Reload when a file that the app has loaded changes. A file may name paths to watch instead.',
  }),
  watchIgnore: option({
    kind: is.textList('<path>'),
    default: [],
    as: 'watchIgnore',
    flag: 'watch-ignore',
    section: 'operate',
    doc: 'Path that --watch leaves alone, or a pattern with * and **. May be repeated.',
  }),
  admin: option({
    kind: is.address,
    default: null,
    as: 'admin',
    flag: 'admin',
    section: 'operate',
    doc: 'Serve the page, the API, the metrics and the probes of orchestrators on this address (loopback unless it names a host).',
    defaultDoc: 'only on the control socket',
  }),
  logFormat: option({
    kind: is.optionalOneOf('pretty', 'json', 'raw'),
    default: null,
    as: 'logFormat',
    flag: 'log-format',
    section: 'operate',
    doc: 'How the workers’ output is written: labelled, as JSON lines, or untouched.',
    defaultDoc: 'pretty on a terminal, else raw; in the background json',
  }),
  logFile: option({
    kind: is.optionalText('<file>'),
    default: null,
    as: 'logFile',
    flag: 'log-file',
    section: 'operate',
    doc: 'Write the workers’ output to this file.',
    defaultDoc: 'to stdout and stderr; in the background a file that tutti logs reads',
  }),
  logMaxSize: option({
    kind: is.optionalSize,
    default: '20M',
    as: 'logMaxSizeBytes',
    flag: 'log-max-size',
    section: 'operate',
    doc: 'Rotate the log file when it has grown to this size.',
  }),
  logMaxAge: option({
    kind: is.optionalDuration,
    default: null,
    as: 'logMaxAgeMs',
    flag: 'log-max-age',
    section: 'operate',
    doc: 'Rotate the log file when it is this old.',
    defaultDoc: 'by size only',
  }),
  logKeep: option({
    kind: is.wholeNumber(0, 1000),
    default: 10,
    as: 'logKeep',
    flag: 'log-keep',
    section: 'operate',
    doc: 'How many rotated log files are kept.',
  }),
  json: option({
    kind: is.yesOrNo,
    default: false,
    as: 'json',
    flag: 'json',
    section: 'operate',
    doc: "Write tutti's own lines as JSON; of start and check, the result.",
  }),
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof options;

type Table = typeof options;
type Input<K extends OptionName> = v.InferInput<Table[K]['kind']['schema']>;
type Output<K extends OptionName> = v.InferOutput<Table[K]['kind']['schema']>;

/** One app, as a configuration file or `supervise()` describes it. */
export type AppOptions = {
  /** The program: a file, or a folder as `node` would run it. */
  entry?: string | undefined;
  /** Its arguments. */
  args?: string[] | undefined;
} & { [K in OptionName]?: Input<K> | undefined };

/** What a configuration file exports. */
export type ConfigFile = AppOptions | { apps: AppOptions[] };

/** An app with every option decided: units in milliseconds and bytes, paths absolute, workers counted. Assignable to `Policy`. */
export type Config = Omit<
  { [K in OptionName as Table[K]['as']]: Output<K> },
  'name' | 'cwd' | 'node' | 'workers' | 'orphan'
> & {
  name: string;
  /** Absolute, symbolic links kept: each generation resolves them anew. */
  entry: string;
  args: string[];
  cwd: string;
  /** Absolute path of the Node.js binary. */
  node: string;
  workers: { min: number; max: number };
  orphan: 'drain' | 'serve';
};

/** Gives a configuration file its types, so that an editor completes and checks it; returns what it is given. */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config;
}

export function environmentVariable(name: OptionName): string | null {
  if (options[name].flag === null) return null;
  return `TUTTI_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
