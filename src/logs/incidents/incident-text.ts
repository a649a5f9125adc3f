// An incident in words. Pure.

import type { Frame, Incident, RequestInFlight } from '../../supervisor/vocabulary/incident.ts';
import { oneLine } from '../own/visible.ts';

const doings: Record<string, string> = {
  spinning: 'JavaScript or native code was using the CPU',
  waiting: 'it was waiting in a system call',
  uninterruptible: 'it was waiting for a device and could not be interrupted',
  stopped: 'it was stopped by a signal (SIGSTOP or a debugger)',
};

/** `app.js:12 in hotLoop()`: the innermost frame of the application's own code, else of any code. */
export function culprit(stack: readonly Frame[] | null): string | null {
  const own = stack?.find((frame) => isOwn(frame.file)) ?? stack?.[0];
  if (own === undefined) return null;
  const name = own.function === '(anonymous)' ? 'an anonymous function' : `${own.function}()`;
  return `${name} at ${own.file}:${own.line}`;
}

function isOwn(file: string): boolean {
  return file !== '' && !file.startsWith('node:') && !file.includes('/node_modules/');
}

export function hangSummary(
  doing: string,
  stack: readonly Frame[] | null,
  requests: readonly RequestInFlight[],
): string {
  const where = culprit(stack);
  const what =
    where === null ? (doings[doing] ?? 'its event loop stood still') : `its event loop was blocked in ${where}`;
  const [oldest] = requests;
  return oldest === undefined ? what : `${what}, while it served ${oldest.method} ${oldest.path}`;
}

/** Several paragraphs, with a newline at the end. */
export function incidentText(incident: Incident): string {
  const { slot, pid, generation, exit, stack, requests, lastLines } = incident;
  const who = `${slot === null ? 'a spare' : `worker ${slot}`}${pid === null ? '' : ` (pid ${pid})`}, generation ${generation}`;
  const lines = [
    `${incident.kind}: ${oneLine(incident.summary)}`,
    '',
    `app        ${incident.app}`,
    `worker     ${who}`,
    `time       ${incident.at}${incident.count > 1 ? `, ${incident.count} times, last ${incident.lastAt}` : ''}`,
  ];
  if (incident.uptimeMs !== null) lines.push(`lived      ${(incident.uptimeMs / 1000).toFixed(1)} s`);
  if (exit !== null) lines.push(`end        ${oneLine(exit.detail)}`);
  if (incident.doing !== null) lines.push(`state      ${doings[incident.doing] ?? 'not known'}`);
  if (stack !== null) {
    lines.push(
      '',
      'stack, innermost first',
      ...indent(stack.map((frame) => `${frame.function} (${frame.file}:${frame.line}:${frame.column})`)),
    );
  } else if (incident.noStack !== null) lines.push(`stack      none: ${oneLine(incident.noStack)}`);
  if (incident.error !== null) lines.push('', 'uncaught error', ...indent(incident.error.split('\n')));
  if (requests.length > 0) {
    const shown = requests
      .slice(0, 20)
      .map(({ method, path, ageMs }) => `${method} ${path} for ${(ageMs / 1000).toFixed(1)} s`);
    if (requests.length > shown.length) shown.push(`and ${requests.length - shown.length} more`);
    lines.push('', `requests in flight (${requests.length})`, ...indent(shown));
  }
  if (lastLines.length > 0) lines.push('', 'last lines of stderr', ...indent(lastLines));
  return `${lines.join('\n')}\n`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${oneLine(line)}`);
}
