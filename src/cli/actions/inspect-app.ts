// The work of `tutti stack`, `tutti profile` and `tutti heap`: looks into a worker while it serves.

import { chmodSync, constants, copyFileSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { AdminClientError } from '../../admin/client/client.ts';
import type { Found } from '../../admin/client/discovery.ts';
import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import { chooseOne } from '../shared/choose-apps.ts';
import { secondsOption, wholeNumber } from '../shared/common-options.ts';
import { checkFree, outFile } from '../shared/out-file.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

interface StackAnswer {
  stacks: { share: number; frames: { function: string; file: string; line: number }[] }[];
  requests: { method: string; path: string; ageMs: number }[];
}

export async function showStack(name: string | undefined, options: Options, terminal: Terminal): Promise<number> {
  const { app, slot } = await chosen(name, options, terminal, 'stack');
  const seconds = secondsOption('--seconds', options.seconds);
  const text = await ask(app, 'stack', { slot, seconds });
  if (options.json === true) {
    terminal.stdout.write(`${text}\n`);
    return exitCodes.stopped;
  }
  const { stacks, requests }: StackAnswer = JSON.parse(text);
  const busy = stacks.reduce((all, { share }) => all + share, 0);
  const lines = [`Worker ${slot} of ${app.name}, watched for ${seconds} s:`];
  if (stacks.length === 0) lines.push('  idle');
  else lines[0] += ` ${(busy * 100).toFixed(1)} % of the time in these stacks, innermost call first`;
  for (const { share, frames } of stacks) {
    lines.push(`${(share * 100).toFixed(1).padStart(5)} %  ${frames[0]?.function ?? ''}`);
    for (const frame of frames)
      lines.push(`         at ${frame.function}${frame.file && ` (${frame.file}:${frame.line})`}`);
  }
  if (requests.length > 0) lines.push('', `Requests in flight (${requests.length}), oldest first:`);
  for (const { method, path, ageMs } of requests) lines.push(`  ${method} ${path} for ${(ageMs / 1000).toFixed(1)} s`);
  terminal.stdout.write(`${lines.join('\n')}\n`);
  return exitCodes.stopped;
}

export async function takeProfile(name: string | undefined, options: Options, terminal: Terminal): Promise<number> {
  const { app, slot } = await chosen(name, options, terminal, 'profile');
  const seconds = secondsOption('--seconds', options.seconds);
  const base = outFile(options.out, `${app.name}-slot-${slot}-${stamp()}`, terminal).replace(
    /\.(cpuprofile|html)$/,
    '',
  );
  for (const end of ['cpuprofile', 'html']) checkFree(`${base}.${end}`);
  if (terminal.stderr.isTTY) terminal.stderr.write(`Recording worker ${slot} of ${app.name} for ${seconds} s …\n`);
  const text = await ask(app, 'profile', { slot, seconds });
  const { flameGraphHtml } = await import('../../dashboard/flame-graph.ts');
  write(`${base}.cpuprofile`, text);
  write(`${base}.html`, flameGraphHtml(JSON.parse(text), `${app.name}, worker ${slot}, ${seconds} s`));
  const written = { profile: `${base}.cpuprofile`, flameGraph: `${base}.html` };
  writePaths({ app: app.name, slot, seconds, ...written }, Object.values(written), options, terminal);
  return exitCodes.stopped;
}

export async function takeHeap(name: string | undefined, options: Options, terminal: Terminal): Promise<number> {
  const { app, slot } = await chosen(name, options, terminal, 'heap');
  const out = outFile(options.out, `${app.name}-slot-${slot}-${stamp()}.heapsnapshot`, terminal);
  checkFree(out);
  const { path }: { path: string } = JSON.parse(await ask(app, 'heap', { slot }));
  move(path, out);
  writePaths({ app: app.name, slot, heapSnapshot: out }, [out], options, terminal);
  return exitCodes.stopped;
}

function writePaths(answer: object, paths: readonly string[], { json }: Options, terminal: Terminal): void {
  const text = json === true ? JSON.stringify({ schema: 1, ...answer }) : paths.join('\n');
  terminal.stdout.write(`${text}\n`);
}

async function chosen(
  name: string | undefined,
  options: Options,
  terminal: Terminal,
  command: string,
): Promise<{ app: Found; slot: number }> {
  const slot = wholeNumber('--slot', options.slot);
  return { app: await chooseOne(name, terminal, command), slot };
}

async function ask(app: Found, what: 'stack' | 'profile' | 'heap', body: object): Promise<string> {
  try {
    return await app.client.inspect(what, body);
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error;
    throw new TuttiError('ERR_NOT_INSPECTED', { name: app.name, reason: error.message }, { cause: error });
  }
}

function stamp(): string {
  return new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/**
 * Code and data of the application are in it: for this user's eyes alone. So it must be a file of our own making: another user may have
 * put one of that name into the folder, or a link.
 */
function write(path: string, text: string): void {
  make(path, () => writeFileSync(path, text, { mode: 0o600, flag: 'wx' }));
}

function move(from: string, to: string): void {
  chmodSync(from, 0o600);
  make(to, () => {
    try {
      // A rename would put it in the place of another.
      linkSync(from, to);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw error;
      // Another file system, or one without second names.
      copyFileSync(from, to, constants.COPYFILE_EXCL);
    }
  });
  rmSync(from);
}

function make(path: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new TuttiError('ERR_OUT_EXISTS', { path });
    throw new TuttiError('ERR_OUT_UNWRITABLE', {
      path,
      reason: messageOf(error),
    });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
