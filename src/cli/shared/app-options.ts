// The options of an app as flags of a command, made from the table in config/options.ts.

import { type Command, Option } from 'commander';
import { optionNames } from '../../config/layers.ts';
import { type OptionName, options, sections } from '../../config/options.ts';
import { pm2Workers } from '../../config/pm2-script.ts';
import { longChoice } from '../../config/values.ts';
import { TuttiError } from '../../errors.ts';

const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

const hint = `
Durations are 500ms, 30s, 5m, 2h; sizes 512M, 1.5G. Each option can also be a variable (TUTTI_DRAIN_TIMEOUT) or a key
of tutti.config.ts (drainTimeout); a flag beats a variable, a variable beats the file.`;

/** Adds every option of the table but those in `without`, under the headings of its sections, and --config. */
export function addAppOptions(command: Command, without: readonly string[] = []): void {
  command.addOption(
    new Option(
      '-c, --config <file>',
      'Configuration file (default: the tutti.config file of this folder; "none": without)',
    ).helpGroup(`${sections.program}:`),
  );
  for (const section of Object.keys(sections)) {
    const those = optionNames.filter((name) => options[name].section === section && !without.includes(name));
    for (const name of those) addOne(command, name);
  }
  command.addHelpText('after', hint);
}

function addOne(command: Command, name: OptionName): void {
  const { flag, short, kind, section, doc } = options[name];
  if (flag === null) return;
  const heading = `${sections[section]}:`;
  const rule = kind.placeholder === longChoice ? ` Must be ${kind.rule}.` : '';
  const text = `${doc}${rule}${defaultText(name)}`;
  const dashed = `${short === null ? '' : `-${short}, `}--${flag}`;
  if (kind.placeholder !== null) {
    command.addOption(new Option(`${dashed} ${kind.placeholder}`, text).argParser(collect).helpGroup(heading));
    return;
  }
  // Both directions of a switch can be typed, so that a flag can overrule a file; help shows the one that changes the default.
  const isOn = options[name].default === true;
  command.addOption(new Option(dashed, text).helpGroup(heading).hideHelp(isOn));
  command.addOption(
    new Option(`--no-${flag}`, `Do not ${doc.charAt(0).toLowerCase()}${doc.slice(1)}`)
      .helpGroup(heading)
      .hideHelp(!isOn),
  );
}

function defaultText(name: OptionName): string {
  const { default: value, defaultDoc, kind } = options[name];
  if (defaultDoc !== null) return ` (default: ${defaultDoc})`;
  if (kind.placeholder === null || kind.repeatable || value === null) return '';
  return ` (default: ${String(value)})`;
}

type Flags = Partial<Record<OptionName, readonly string[] | boolean>>;

/** What commander understood, by option of the table. */
export function appFlags(parsed: Readonly<Record<string, unknown>>): Flags {
  const flags: Flags = {};
  for (const name of optionNames) {
    const { flag } = options[name];
    const value = flag === null ? undefined : parsed[camelCase(flag)];
    if (typeof value === 'boolean' || isTexts(value)) flags[name] = value;
  }
  return asPm2Means(flags);
}

/** Values that PM2 has and tutti does not: `-i 0`, `-i -1`, and `--env production` for a named environment. */
function asPm2Means(flags: Flags): Flags {
  const { workers, env } = flags;
  const read: Flags = { ...flags };
  if (isTexts(workers))
    read.workers = workers.map((text) => (/^(0|-\d{1,4})$/.test(text) ? String(pm2Workers(text)) : text));
  if (!isTexts(env)) return read;
  const names = env.filter((text) => !text.includes('=') && text !== '');
  return names.length === 0 ? read : { ...read, env: env.filter((text) => !names.includes(text)), envName: names };
}

export function configFlag(parsed: Readonly<Record<string, unknown>>): string | null {
  if (parsed.config === '') {
    const message = 'must be the path of a file, got "".';
    throw new TuttiError('ERR_FLAGS_INVALID', { problems: [{ source: '--config', message }] });
  }
  if (typeof parsed.config === 'string' && /^(\S+\s+){4,5}\S+$/.test(parsed.config)) {
    const message = `must be the path of a file, got "${parsed.config}". A schedule is --cron "${parsed.config}".`;
    throw new TuttiError('ERR_FLAGS_INVALID', { problems: [{ source: '--config', message }] });
  }
  return typeof parsed.config === 'string' ? parsed.config : null;
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
