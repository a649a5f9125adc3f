// Looks into a worker with a blocked event loop, just before it is killed (primary). SIGUSR1 makes Node open an inspector on a loopback port,
// even while JavaScript spins; the debugger then pauses the script and shows its stack. Every user of the machine can reach that port, so the
// worker is started with `--inspect-publish-uid=stderr`: the inspector's address has 122 random bits and is written to its stderr only. This
// is never done to a worker that is to live on, nor to one whose application handles SIGUSR1.

import { setTimeout as delay } from 'node:timers/promises';
import type WebSocket from 'ws';
import { statFields } from '../../protocol/orphans/process-identity.ts';
import type { Frame, RequestInFlight } from '../../supervisor/vocabulary/incident.ts';
import { mapFrames, type RawFrame } from './source-maps.ts';

export interface Autopsy {
  /** What the process was doing: using CPU, waiting in a system call, waiting for a device, or stopped by a signal. */
  doing: 'spinning' | 'waiting' | 'uninterruptible' | 'stopped' | 'unknown';
  /** Innermost first; null with `why` if none could be taken. */
  stack: Frame[] | null;
  why: string | null;
  requests: RequestInFlight[];
}

/** Evaluated in the paused script, where the preload answers it. */
const ASK_REQUESTS = `process[Symbol.for('tutti.requests')]?.() ?? []`;
/** Frames of a stack. Chosen, not measured. */
const DEEPEST = 32;

/**
 * Prepares to read the inspector's address from the worker's stderr. The outer promise resolves when nothing that Node writes there can be
 * missed any more, the inner one with the address. Both reject when the signal aborts.
 */
export type InspectorAddress = (signal: AbortSignal) => Promise<{ url: Promise<string> }>;

export interface AutopsyOptions {
  timeoutMs: number;
  inspector: InspectorAddress;
  /** Why no inspector may be opened, if so. */
  forbidden: string | null;
}

/** Never rejects, and takes no longer than `timeoutMs`. */
export async function autopsy(pid: number, { timeoutMs, inspector, forbidden }: AutopsyOptions): Promise<Autopsy> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const doing = await occupation(pid);
  const nothing = (why: string): Autopsy => ({ doing, stack: null, why, requests: [] });
  if (forbidden !== null) return nothing(forbidden);
  if (doing === 'stopped') return nothing('the process is stopped by a signal');
  if (process.platform === 'win32') return nothing('Windows has no signal that opens an inspector');
  try {
    const { url } = await inspector(deadline);
    process.kill(pid, 'SIGUSR1');
    const { stack, requests } = await interrogate(await url, deadline);
    return { doing, stack: await mapFrames(stack), why: null, requests };
  } catch (error) {
    return nothing(deadline.aborted ? `the debugger got no answer within ${timeoutMs} ms` : String(error));
  }
}

/** 20 clock ticks of 10 ms. */
const LOOK_MS = 200;
/** Out of those 20. Fewer are noise; a spinning process gets more even if it shares a core with six others. */
const SPINNING_TICKS = 3;

/** Compares two readings of the CPU time used. */
async function occupation(pid: number): Promise<Autopsy['doing']> {
  const first = readStat(pid);
  await delay(LOOK_MS);
  const second = readStat(pid);
  if (first === null || second === null) return 'unknown';
  if (second.state === 'T' || second.state === 't') return 'stopped';
  if (second.state === 'D') return 'uninterruptible';
  // On an overloaded machine it may have got no time, but then it is in the run queue both times.
  const isQueued = first.state === 'R' && second.state === 'R';
  return isQueued || second.ticks - first.ticks >= SPINNING_TICKS ? 'spinning' : 'waiting';
}

function readStat(pid: number): { state: string; ticks: number } | null {
  const fields = statFields(pid);
  return fields === null ? null : { state: fields[0] ?? '?', ticks: Number(fields[11]) + Number(fields[12]) };
}

interface PausedFrame {
  functionName: string;
  url: string;
  location: { scriptId: string; lineNumber: number; columnNumber: number };
}

async function interrogate(
  url: string,
  deadline: AbortSignal,
): Promise<{ stack: RawFrame[]; requests: RequestInFlight[] }> {
  const { default: WebSocketClient } = await import('ws');
  deadline.throwIfAborted();
  const socket: WebSocket = new WebSocketClient(url, { perMessageDeflate: false });
  const scripts = new Map<string, { url: string; sourceMapURL?: string }>();
  let nextId = 1;
  const answers = new Map<number, (result: unknown) => void>();
  try {
    return await new Promise((resolve, reject) => {
      const fail = (): void => reject(deadline.reason);
      deadline.addEventListener('abort', fail, { once: true });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the inspector closed the connection')));
      const call = (method: string, params: object = {}): Promise<unknown> => {
        const id = nextId++;
        socket.send(JSON.stringify({ id, method, params }));
        return new Promise((answered) => answers.set(id, answered));
      };
      socket.on('open', () => {
        void call('Debugger.enable');
        void call('Debugger.pause');
      });
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString());
        if (message.id !== undefined) answers.get(message.id)?.(message.result);
        else if (message.method === 'Debugger.scriptParsed') scripts.set(message.params.scriptId, message.params);
        else if (message.method === 'Debugger.paused') {
          const frames: PausedFrame[] = message.params.callFrames.slice(0, DEEPEST);
          void call('Runtime.evaluate', { expression: ASK_REQUESTS, returnByValue: true }).then((result) => {
            const value = (result as { result?: { value?: unknown } } | undefined)?.result?.value;
            resolve({
              stack: frames.map((frame) => rawFrame(frame, scripts)),
              requests: Array.isArray(value) ? value : [],
            });
          });
        }
      });
    });
  } finally {
    socket.terminate();
  }
}

function rawFrame(frame: PausedFrame, scripts: ReadonlyMap<string, { url: string; sourceMapURL?: string }>): RawFrame {
  const { scriptId, lineNumber, columnNumber } = frame.location;
  const script = scripts.get(scriptId);
  return {
    function: frame.functionName || '(anonymous)',
    file: script?.url || frame.url,
    line: lineNumber + 1,
    column: columnNumber + 1,
    sourceMapUrl: script?.sourceMapURL ?? '',
  };
}
