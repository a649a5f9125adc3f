// From what was typed to the apps as a proxy in front of them has to know them.

import { isIPv6 } from 'node:net';
import { surroundings } from '../../app/surroundings.ts';
import { loadApp } from '../../config/app.ts';
import type { Config } from '../../config/options.ts';
import { type Front, frontOf, type Sticky } from '../../deploy/proxy/front.ts';
import { type Problem, TuttiError } from '../../errors.ts';
import { whatIsMeant } from '../actions/start-apps.ts';
import { launchRequest } from '../shared/launch-record.ts';
import { withoutUnitOptions } from '../shared/service-options.ts';
import type { MeantRequest } from './containers.ts';
import { mustDiffer } from './must-differ.ts';

const USUAL_PORT = 3000;

const words = { address: 'ip', 'own-cookie': 'cookie', cookie: 'cookie:NAME', header: 'header:NAME' } as const;

/** `proxy` knows clients again by what `known` names; the first of these is what it does when nobody says. */
export async function frontsMeant(
  proxy: string,
  known: readonly Sticky['by'][],
  request: MeantRequest,
): Promise<Front[]> {
  const { options, terminal } = request;
  const asked = readOptions(proxy, known, options);
  const meant = { positionals: request.words, args: request.args, options: withoutUnitOptions(options), terminal };
  const records = await whatIsMeant(meant);
  const vain = ['port', 'domain'].find((name) => options[name] !== undefined && records.length > 1);
  if (vain !== undefined) {
    throw new TuttiError('ERR_USAGE', {
      problem: `--${vain} belongs to one app, and ${records.length} are meant`,
      hint: `Name the app, as in: tutti export ${proxy} ${records[0]?.name ?? 'web'} --${vain} …`,
    });
  }
  const fronts: Front[] = [];
  for (const record of records) {
    const { config } = await loadApp(launchRequest(record), surroundings(record.cwd, terminal.env));
    const isPortEach = config.balance === 'ports';
    if (asked.sticky !== null && !isPortEach) {
      throw new TuttiError('ERR_USAGE', {
        problem: `--sticky means nothing to ${config.name}, whose workers share one port: the proxy cannot choose between them`,
        hint: 'Give each a port of its own, here and where the app is started: --balance ports',
      });
    }
    const usual: Sticky = { by: known[0] === 'own-cookie' ? 'own-cookie' : 'address' };
    fronts.push(
      frontOf(config, {
        port: asked.port ?? portIn(config, terminal.env) ?? USUAL_PORT,
        domain: asked.domain,
        machines: asked.machines,
        sticky: isPortEach ? (asked.sticky ?? usual) : null,
      }),
    );
  }
  mustDiffer(fronts);
  return fronts;
}

function portIn({ env }: Config, around: Readonly<Record<string, string | undefined>>): number | null {
  return portOf(env.PORT ?? around.PORT ?? '');
}

function portOf(text: string): number | null {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : null;
}

function readOptions(proxy: string, known: readonly Sticky['by'][], options: MeantRequest['options']) {
  const problems: Problem[] = [];
  const refuse = (name: string, rule: string, got: string): null => {
    problems.push({ source: `--${name}`, message: `must be ${rule}, got ${JSON.stringify(got)}.` });
    return null;
  };
  const text = (name: string): string | null => (typeof options[name] === 'string' ? (options[name] as string) : null);
  const port = text('port');
  const domain = text('domain');
  const sticky = text('sticky');
  const machines = Array.isArray(options.machine) ? (options.machine as readonly string[]) : [];
  for (const machine of machines) {
    const isMachine = /^[\w.-]+$/.test(machine) || isIPv6(machine.replace(/^\[(.*)\]$/, '$1'));
    if (!isMachine) refuse('machine', 'an address or a name of a machine such as 10.0.0.1, without a port', machine);
  }
  if (domain !== null && !/^(\*\.)?[\w.-]+$/.test(domain)) refuse('domain', 'a name such as shop.example.com', domain);
  const read = {
    port: port === null ? null : (portOf(port) ?? refuse('port', 'a port from 1 to 65535', port)),
    domain,
    machines,
    sticky:
      sticky === null
        ? null
        : (stickyOf(sticky, known) ??
          refuse('sticky', `${known.map((by) => words[by]).join(', ')} for ${proxy}`, sticky)),
  };
  if (problems.length > 0) throw new TuttiError('ERR_FLAGS_INVALID', { problems });
  return read;
}

function stickyOf(text: string, known: readonly Sticky['by'][]): Sticky | null {
  const [what = '', name] = text.split(/:(.*)/s, 2);
  const found: Sticky | null =
    text === 'ip'
      ? { by: 'address' }
      : text === 'cookie'
        ? { by: 'own-cookie' }
        : what === 'cookie' && name !== undefined && /^[\w.-]+$/.test(name)
          ? { by: 'cookie', name }
          : what === 'header' && name !== undefined && /^[\w-]+$/.test(name)
            ? { by: 'header', name }
            : null;
  return found !== null && known.includes(found.by) ? found : null;
}
