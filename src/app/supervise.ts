// The two doors to a supervised app: for a program that imports tutti, and for the command `tutti run`. Both run it in this process, the
// primary, whose end stays its owner's business.

import cluster from 'node:cluster';
import { type LoadedApp, loadGiven } from '../config/app.ts';
import type { AppOptions } from '../config/options.ts';
import { TuttiError } from '../errors.ts';
import type { LaunchOptions } from './launch-options.ts';
import { RunningApp } from './running-app.ts';
import type { Supervision } from './supervision.ts';
import { surroundings } from './surroundings.ts';

/** What `supervise()` takes: the options of a configuration file for one app, and how the program wants to live with it. */
export interface SuperviseOptions extends AppOptions {
  entry: string;
  /** True: TERM, INT, QUIT, HUP, TTIN and TTOU to this process are commands, as with `tutti run`. Default: false. */
  signals?: boolean;
  /** False: no control socket, so that the commands of tutti do not see this app. Default: true. */
  control?: boolean;
}

/**
 * Runs the program on several processes that share its ports, and keeps it running. Returns at once; the workers start in the
 * background. Throws a TuttiError if an option or the entry cannot be used.
 */
export function supervise(options: SuperviseOptions): Supervision {
  const { signals = false, control = true, ...app } = options;
  if (cluster.isWorker) throw new TuttiError('ERR_NESTED', { entry: app.entry });
  return launch(loadGiven(app, surroundings()), { signals, output: 'inherit', control: control ? 'wanted' : 'none' });
}

/** Runs an app whose configuration is loaded; `tutti run` is this and a terminal. Throws a TuttiError if its entry cannot be used. */
export function launch(app: LoadedApp, options: LaunchOptions): Supervision {
  const running = new RunningApp(app, options);
  running.start();
  return running.handle;
}
