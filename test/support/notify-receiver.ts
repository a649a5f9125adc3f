// Stands where a service manager listens: a datagram socket of its own, and what arrives there. Perl opens it, because Node cannot.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';

const script = `
socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die $!;
$| = 1;
print "bound\\n";
while (defined recv(S, $message, 65536, 0)) { $message =~ s/\\n/\\t/g; print "$message\\n" }`;

/** The fields of one datagram. */
export type Told = Record<string, string>;

export class NotifyReceiver implements Disposable {
  readonly path: string;
  readonly messages: Told[] = [];
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor() {
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'notify-')));
    this.path = join(this.#folder, 'socket');
    this.#process = spawn('perl', ['-MSocket', '-e', script, this.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  static async open(): Promise<NotifyReceiver> {
    const receiver = new NotifyReceiver();
    let isBound = false;
    createInterface({ input: receiver.#process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (isBound) receiver.messages.push(fieldsOf(line));
      else isBound = line === 'bound';
    });
    await eventually('the socket of the service manager', () => isBound);
    return receiver;
  }

  /** The first message from `from` on that matches. */
  async waitFor(what: string, match: (told: Told) => boolean, from = 0): Promise<Told> {
    return eventually(`${what}; told so far: ${JSON.stringify(this.messages)}`, () =>
      this.messages.slice(from).find(match),
    );
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function fieldsOf(line: string): Told {
  return Object.fromEntries(
    line.split('\t').map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
}
