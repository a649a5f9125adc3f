// The work of the commands that change the named apps one after the other: which they are, what is asked of them, and how it went.

import type { Invocation } from '../command.ts';
import { chooseRunning } from './choose-apps.ts';
import { commonOptions } from './common-options.ts';
import { type AppCommand, control } from './control.ts';

/** `order` wins over what the options say of it. After a failure the other apps stay as they are. */
export async function changeApps(
  { positionals, options, terminal }: Invocation,
  order: Pick<AppCommand, 'verb' | 'body' | 'done'> & Partial<AppCommand>,
): Promise<number> {
  const common = commonOptions(options);
  const apps = await chooseRunning(positionals, terminal, order.verb);
  return control(apps, { untilFailure: true, ...common, ...order }, terminal);
}
