// What a generation runs, from its configuration: part of the composition, because host/ may not read configuration. Runs in the primary.

import { realpathSync } from 'node:fs';
import { resolveEntry } from '../config/entry/entry.ts';
import { describeNode, typescriptArgs } from '../config/entry/typescript.ts';
import { workerEnvironment } from '../config/environment.ts';
import type { Config } from '../config/options.ts';
import { TuttiError } from '../errors.ts';
import type { Program } from '../host/code/generations.ts';
import { REPORT_LOADED_VARIABLE } from '../host/code/loaded-files.ts';
import { withoutServiceVariables } from '../host/service/variables.ts';

/** Everything that decides how a generation runs, with symbolic links resolved as they are now. */
export async function programOf(config: Config, env: NodeJS.ProcessEnv): Promise<Program> {
  const entry = resolveEntry(config.entry);
  const nodeVersion = await versionOf(config.node);
  const loader = await typescriptArgs(entry, config.nodeArgs, env.NODE_OPTIONS, config.node);
  const report = config.watch === true ? { [REPORT_LOADED_VARIABLE]: '1' } : {};
  const all = Object.entries({ ...workerEnvironment(config, withoutServiceVariables(env)), ...report });
  return {
    name: config.name,
    entry,
    args: config.args,
    cwd: realpathSync(config.cwd),
    env: Object.fromEntries(all.filter((pair): pair is [string, string] => pair[1] !== undefined)),
    nodeArgs: [...config.nodeArgs, ...loader],
    node: config.node === process.execPath ? null : config.node,
    nodeVersion,
    balance: config.balance,
    transfer: config.transfer,
    replay: { mode: config.replay, except: config.replayExcept },
    ready: config.ready,
    compileCache: config.compileCache,
    end: {
      stopSignal: config.stopSignal,
      shutdownMessage: config.shutdownMessage,
      drainTimeoutMs: config.drainTimeoutMs,
      stopTimeoutMs: config.stopTimeoutMs,
    },
    instanceVar: config.instanceVar,
    incrementVar: config.incrementVar,
  };
}

async function versionOf(node: string): Promise<string> {
  try {
    return `v${(await describeNode(node)).version}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TuttiError('ERR_NODE_INVALID', { path: node, source: 'node', reason }, { cause: error });
  }
}
