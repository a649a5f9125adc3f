// tutti's own lines on its stdout and stderr, in the foreground and in the background: whatever stands behind them, writing never fails.

import { SteadyWriter } from '../logs/own/steady-writer.ts';
import type { Output } from './terminal.ts';

export function steady(output: Output): SteadyWriter {
  return new SteadyWriter({
    fd: output.fd ?? -1,
    otherwise: (text) => output.write(text),
    explain: (dropped) => `tutti: ${dropped} lines were dropped here, because they could not be written in time\n`,
  });
}
