// The guardian: a shell that sleeps on a pipe from the primary and knows its workers. When the primary dies – the pipe closes, whatever
// killed it – it gives the workers the time that they take to finish and leave by themselves, and kills those that cannot: whose loop
// hangs, that are stopped, that never came as far as our code. Nobody in the primary or in a worker could. It costs about 0.3 MB. What workers
// do in that time is in worker/orphan/orphan.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import type { ProcessIdentity } from '../../protocol/orphans/process-identity.ts';
import { monotonicMs } from '../monotonic.ts';

export interface Ward extends ProcessIdentity {
  /** How long it may live without a primary; the shell counts whole seconds. */
  graceMs: number;
}

/** Workers that start have the processors to themselves. Chosen, not measured. */
const START_AFTER_MS = 250;
/** One that cannot be started, or is killed, is started again no sooner. Chosen, not measured. */
const AGAIN_MS = 5_000;

/** The last line on its input counts: `pid:born:grace` of each worker, separated by blanks. */
const SCRIPT = `
trap '' HUP INT QUIT TERM
set -f
list=
while read -r line; do list=$line; done
lives() {
  stat=
  while read -r part; do stat="$stat $part"; done < "/proc/$1/stat" || return 1
  set -- "$1" "$2" \${stat##*) }
  [ "$3" != Z ] && [ "\${22}" = "$2" ]
}
seconds=0
set -- $list
while [ $# -gt 0 ]; do
  left=
  for one in "$@"; do
    pid=\${one%%:*} born=\${one#*:}
    grace=\${born#*:} born=\${born%%:*}
    lives "$pid" "$born" || continue
    [ "$seconds" -lt "$grace" ] || kill -KILL "$pid"
    [ "$seconds" -gt "$((grace + 60))" ] || left="$left $one"
  done
  set -- $left
  [ $# -eq 0 ] || sleep 1 || exit 1
  seconds=$((seconds + 1))
done
`;

export class Guardian {
  #wards: readonly Ward[] = [];
  #shell: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #startedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** Those that it is to watch from now on. */
  watch(wards: readonly Ward[]): void {
    this.#wards = wards;
    if (this.#shell !== null) this.#tell(this.#shell);
    else if (wards.length > 0) this.#startIn(Math.max(START_AFTER_MS, this.#startedAt + AGAIN_MS - monotonicMs()));
  }

  /** Lets it go. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#wards = [];
    if (this.#shell === null) return;
    this.#tell(this.#shell);
    this.#shell.stdin?.end();
    this.#shell = null;
  }

  #startIn(ms: number): void {
    if (this.#closed || process.platform !== 'linux') return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.#wards.length > 0) this.#start();
    }, ms).unref();
  }

  #start(): void {
    this.#startedAt = monotonicMs();
    const gone = (): void => {
      this.#shell = null;
      if (this.#wards.length > 0) this.#startIn(AGAIN_MS);
    };
    try {
      // In a session of its own: the terminal's signals are not for it. Nobody reads its output.
      const shell = spawn('/bin/sh', ['-c', SCRIPT, 'tutti-guardian'], {
        cwd: '/',
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      shell.once('error', gone);
      shell.once('exit', gone);
      shell.stdin.on('error', () => {});
      shell.unref();
      (shell.stdin as { unref?(): void }).unref?.();
      this.#shell = shell;
      this.#tell(shell);
    } catch {
      // Too many processes or open files, or an image without a shell: then in most cases the primary is process 1 and the kernel does it.
      gone();
    }
  }

  #tell(shell: ChildProcess): void {
    const list = this.#wards.map(({ pid, born, graceMs }) => `${pid}:${born}:${Math.ceil(graceMs / 1000)}`);
    shell.stdin?.write(`${list.join(' ')}\n`);
  }
}
