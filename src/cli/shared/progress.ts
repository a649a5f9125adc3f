// Shows a command while it works: on a terminal one line per worker, redrawn in place; in a pipe one line per event.

import type { RecordedEvent } from '../../admin/api/event-history.ts';
import type { AdminClient } from '../../admin/client/client.ts';
import { sentence } from '../../logs/own/sentences.ts';
import { oneLine, ownLines } from '../../logs/own/visible.ts';
import type { Snapshot, WorkerSnapshot } from '../../supervisor/picture/snapshot.ts';
import type { Colors, Output } from '../terminal.ts';
import { age, bytes } from './readable.ts';
import { clip, table } from './table.ts';

/** Events come in bursts; the eye does not need more pictures than this. */
const REDRAW_MS = 80;

/** Shows until `until` settles. Never throws: what is shown is less important than what is done. */
export async function showProgress(
  client: AdminClient,
  output: Output,
  colors: Colors,
  until: Promise<unknown>,
): Promise<void> {
  const leave = new AbortController();
  const over = until.then(
    () => leave.abort(),
    () => leave.abort(),
  );
  const shown = output.isTTY ? redraw(client, output, colors, leave.signal) : print(client, output, leave.signal);
  await Promise.all([over, shown.catch(() => {})]);
}

async function print(client: AdminClient, output: Output, signal: AbortSignal): Promise<void> {
  for await (const record of await client.events({ history: false, signal })) {
    const line = progressLine(record);
    if (line !== null) output.write(`${client.name}: ${ownLines(line)}\n`);
  }
}

/** Null for what only debugging needs. */
function progressLine({ event }: RecordedEvent): string | null {
  const { level, text } = sentence(event);
  const isStep = event.type === 'worker-online' || event.type === 'worker-drained' || event.type === 'worker-exit';
  return level === 'debug' && !isStep && event.type !== 'reload-progress' ? null : text;
}

async function redraw(client: AdminClient, output: Output, colors: Colors, signal: AbortSignal): Promise<void> {
  const canvas = new Canvas(output);
  let latest: Snapshot | null = null;
  let timer: NodeJS.Timeout | null = null;
  const draw = async () => {
    timer = null;
    const fresh = await client.snapshot(1000).catch(() => latest);
    if (fresh === null || signal.aborted) return;
    latest = fresh;
    canvas.draw(workerLines(fresh, colors));
  };
  try {
    for await (const message of await client.live(signal)) {
      if ('snapshot' in message) canvas.draw(workerLines(message.snapshot, colors));
      else timer ??= setTimeout(draw, REDRAW_MS);
    }
  } finally {
    if (timer !== null) clearTimeout(timer);
    canvas.clear();
  }
}

export function workerLines(snapshot: Snapshot, colors: Colors): string[] {
  const { reload } = snapshot;
  const what = reload.state === 'idle' ? snapshot.state : `${reload.state}, ${reload.done} of ${reload.total}`;
  const rows = snapshot.workers.map((worker) => [
    `  ${worker.slot ?? 'spare'}`,
    paintState(worker, colors),
    worker.pid === null ? '' : String(worker.pid),
    `generation ${worker.generation}`,
    worker.pid === null ? '' : age(worker.uptimeMs),
    worker.rssBytes > 0 ? bytes(worker.pssBytes ?? worker.rssBytes) : '',
    worker.reason ?? '',
  ]);
  const columns = ['slot', 'state', 'pid', '', 'up', 'memory', ''].map((title) => ({ title }));
  return [`${colors.bold(snapshot.name)} ${what}`, ...table(columns, rows).slice(1)];
}

export function paintState({ state }: WorkerSnapshot, colors: Colors): string {
  const marks: Record<WorkerSnapshot['state'], [string, (text: string) => string]> = {
    ready: ['●', colors.green],
    spare: ['○', colors.green],
    starting: ['◐', colors.cyan],
    suspect: ['●', colors.yellow],
    draining: ['◑', colors.yellow],
    stopping: ['◑', colors.yellow],
    killing: ['◑', colors.red],
    backoff: ['○', colors.red],
    broken: ['✖', colors.red],
    vacant: ['○', colors.dim],
  };
  const [mark, paint] = marks[state];
  return paint(`${mark} ${state}`);
}

/** Lines that are replaced where they stand. */
class Canvas {
  readonly #output: Output;
  #height = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  draw(lines: readonly string[]): void {
    const columns = this.#output.columns ?? 80;
    // A line more than the screen has would scroll, and the cursor could not come back to it.
    const room = Math.max(1, (this.#output.rows ?? 24) - 2);
    const shown = lines.length > room ? [...lines.slice(0, room - 1), '  …'] : lines;
    const text = shown.map((line) => `\u001b[2K${clip(oneLine(line), columns - 1)}\n`).join('');
    this.#write(`${this.#home()}${text}\u001b[0J`);
    this.#height = shown.length;
  }

  clear(): void {
    this.#write(`${this.#home()}\u001b[0J`);
    this.#height = 0;
  }

  #write(text: string): void {
    (this.#output.draw ?? this.#output.write).call(this.#output, text);
  }

  #home(): string {
    return this.#height === 0 ? '' : `\u001b[${this.#height}A\r`;
  }
}
