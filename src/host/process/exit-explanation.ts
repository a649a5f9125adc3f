// What the exit code or signal of a worker means, where the number alone does not tell (primary). What the worker itself says of its end
// comes from src/worker/report/last-words.ts.

export interface ExitFacts {
  code: number | null;
  signal: string | null;
  /** The preload has said hello. After that, exit codes that node itself uses at start are the application's. */
  helloed: boolean;
  /** The main module ran to its end. */
  started: boolean;
  /** The out-of-memory killer has killed a process of this control group since the worker started. */
  outOfMemory: boolean;
  /** The limit that tutti has set to its heap, in MiB; null: none. */
  heapMib: number | null;
  stderr: readonly string[];
  /** The signal that it was about to send to itself. */
  ownSignal: string | undefined;
}

export function explainExit(ending: ExitFacts): string | undefined {
  const { code, signal } = ending;
  if (signal !== null) return explainSignal(signal, ending);
  if (code === 13 && !ending.started) {
    return 'a top-level await never settled: nothing was left that could have woken the program';
  }
  if (ending.helloed) return undefined;
  if (code === 9) return 'node refused one of its command line arguments (see nodeArgs and NODE_OPTIONS)';
  if (code === 12) return 'node refused an --inspect argument (see nodeArgs and NODE_OPTIONS)';
  return undefined;
}

function explainSignal(signal: string, { outOfMemory, heapMib, stderr, ownSignal }: ExitFacts): string | undefined {
  if (signal === ownSignal) return 'the program sent it to itself';
  switch (signal) {
    case 'SIGABRT':
    case 'SIGTRAP': {
      const heap = stderr.some((line) => /heap out of memory|Allocation failed|OOMError/.test(line));
      const share = `${heapMib} MiB, its share of the memory limit`;
      if (heap && heapMib !== null)
        return `heap out of memory: the JavaScript heap reached ${share} (give it more memory or fewer workers, or find the leak)`;
      if (heap)
        return 'heap out of memory: the JavaScript heap reached its limit (raise --max-old-space-size or find the leak)';
      return `the process aborted itself, most often because the JavaScript heap was full${heapMib === null ? '' : ` (its limit is ${share})`} or native code gave up`;
    }
    case 'SIGKILL':
      return outOfMemory
        ? 'out of memory: the kernel killed it because the memory limit of the container was reached'
        : undefined;
    case 'SIGSEGV':
    case 'SIGBUS':
    case 'SIGILL':
    case 'SIGFPE':
      return `native code crashed (${signal}): an add-on, or node itself`;
    default:
      return undefined;
  }
}

/** Why a process could not even be started. */
export function explainSpawnError(error: NodeJS.ErrnoException, node: string, cwd: string): string {
  switch (error.code) {
    case 'ENOENT':
      return `cannot start ${node} in ${cwd}: one of them does not exist`;
    case 'EACCES':
      return `cannot start ${node} in ${cwd}: permission denied`;
    case 'EAGAIN':
      return 'the system refused one more process: the limit of processes is reached (ulimit -u, pids.max)';
    case 'EMFILE':
    case 'ENFILE':
      return 'too many open files: the limit of file descriptors is reached (ulimit -n)';
    case 'ENOMEM':
      return 'the system has no memory for one more process';
    case 'E2BIG':
      return 'the arguments and the environment are together larger than the system allows';
    default:
      return `cannot start ${node}: ${error.message}`;
  }
}
