// What a generation runs, from its configuration: part of the composition, because host/ may not read configuration. Runs in the primary.

import { realpathSync } from 'node:fs';
import { resolveEntry } from '../config/entry/entry.ts';
import { describeNode, typescriptArgs } from '../config/entry/typescript.ts';
import { workerEnvironment } from '../config/environment.ts';
import type { Config } from '../config/options.ts';
import { messageOf, TuttiError } from '../errors.ts';
import type { Program } from '../host/code/generations.ts';
import { REPORT_LOADED_VARIABLE } from '../host/code/loaded-files.ts';
import type { Account } from '../host/privileges/as-account.ts';
import { rootFacts, rootVerdict } from '../host/privileges/root.ts';
import { preloadPath } from '../host/process/fork.ts';
import { withoutServiceVariables } from '../host/service/variables.ts';
import { TOKEN_VARIABLE } from './control/given-token.ts';

/** Everything that decides how a generation runs, with symbolic links resolved as they are now. */
export async function programOf(config: Config, env: NodeJS.ProcessEnv): Promise<Program> {
  if (rootVerdictOf(config) === 'refuse') throw new TuttiError('ERR_RUNS_AS_ROOT', { name: config.name });
  const entry = resolveEntry(config.entry);
  const nodeVersion = await versionOf(config.node);
  const loader = await typescriptArgs(entry, config.nodeArgs, env.NODE_OPTIONS, config.node);
  const report = config.watch === true ? { [REPORT_LOADED_VARIABLE]: '1' } : {};
  const { [TOKEN_VARIABLE]: _, ...theirs } = withoutServiceVariables(env);
  const all = Object.entries({ ...workerEnvironment(config, theirs), ...report });
  const wanted = Object.fromEntries(all.filter((pair): pair is [string, string] => pair[1] !== undefined));
  const cwd = realpathSync(config.cwd);
  const switched = await accountFor(config, { entry, cwd });
  return {
    name: config.name,
    entry,
    args: config.args,
    cwd,
    env: switched?.environment(wanted, env) ?? wanted,
    nodeArgs: [...config.nodeArgs, ...loader],
    account: switched?.account ?? null,
    node: config.node === process.execPath ? null : config.node,
    nodeVersion,
    balance: config.balance,
    transfer: config.transfer,
    replay: { mode: config.replay, except: config.replayExcept },
    keepAliveMs: config.keepAliveTimeoutMs,
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

/** What is said once of workers that run as root where that is usual: in containers. */
export function rootWarning(config: Config): string[] {
  return rootVerdictOf(config) === 'warn'
    ? ['the workers run as root: --user <name> gives them a user of their own, and --allow-root ends this line']
    : [];
}

function rootVerdictOf({ user, allowRoot }: Config): ReturnType<typeof rootVerdict> {
  const hasAccount = user !== null && user !== 'root' && user !== '0';
  return rootVerdict(rootFacts(process.env), { allowRoot, hasAccount });
}

/** Another user than that of this process, and what the environment is to say of it; null: the workers have ours. */
async function accountFor(
  { user, group, node, logFile }: Config,
  { entry, cwd }: { entry: string; cwd: string },
): Promise<SwitchedAccount | null> {
  if (user === null && group === null) return null;
  const { accountEnvironment, accountOf, assertReach, whoChooses } = await import('../host/privileges/account.ts');
  const account = await accountOf(user, group);
  if (account === null) return null;
  const unsafe = logFile === null ? null : whoChooses(logFile);
  if (logFile !== null && unsafe !== null) throw new TuttiError('ERR_LOG_FILE', { path: logFile, reason: unsafe });
  await assertReach(account, { node, files: [entry, preloadPath], cwd });
  return { account, environment: (wanted, inherited) => accountEnvironment(account, wanted, inherited) };
}

interface SwitchedAccount {
  account: Account;
  environment(wanted: Program['env'], inherited: NodeJS.ProcessEnv): Program['env'];
}

async function versionOf(node: string): Promise<string> {
  try {
    return `v${(await describeNode(node)).version}`;
  } catch (error) {
    const reason = messageOf(error);
    throw new TuttiError('ERR_NODE_INVALID', { path: node, source: 'node', reason }, { cause: error });
  }
}
