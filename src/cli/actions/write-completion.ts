// The work of `tutti completion`: a script per shell, made from the commands themselves. Names of apps are asked for when Tab is
// pressed, by `tutti completion names`.

import type { Command } from 'commander';
import { socketNames } from '../../admin/client/discovery.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import { orNone, stateFolders } from '../../files/state-folder.ts';
import { readRecords } from '../shared/launch-record.ts';
import type { Terminal } from '../terminal.ts';

interface Entry {
  names: readonly string[];
  summary: string;
  flags: readonly { long: string; summary: string; takesValue: boolean }[];
  takesApp: boolean;
}

export async function writeCompletion(shell: string, terminal: Terminal, program: () => Command): Promise<number> {
  if (shell === 'names') {
    terminal.stdout.write(`${appNames(terminal).join('\n')}\n`);
    return exitCodes.stopped;
  }
  const entries = program().commands.map(entryOf);
  const scripts: Record<string, (entries: readonly Entry[]) => string> = { bash, zsh, fish };
  const script = scripts[shell];
  if (script === undefined) {
    throw new TuttiError('ERR_USAGE', {
      problem: `there is no completion for "${shell}"`,
      hint: 'Shells: bash, zsh, fish.',
    });
  }
  terminal.stdout.write(script(entries));
  return exitCodes.stopped;
}

function appNames({ env }: Terminal): string[] {
  const known = () => [...stateFolders(env).flatMap(socketNames), ...readRecords(env).map(({ name }) => name)];
  const names = orNone(known) ?? [];
  return [...new Set(names)].sort();
}

function entryOf(command: Command): Entry {
  return {
    names: [command.name(), ...command.aliases()],
    summary: command.summary(),
    flags: command.options
      .filter((option) => !option.hidden && option.long)
      .map((option) => ({
        long: option.long ?? '',
        summary: option.description,
        takesValue: option.required || option.optional,
      })),
    takesApp: command.registeredArguments.some((argument) => /app/.test(argument.name())),
  };
}

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ names, flags, takesApp }) =>
      `    ${names.join('|')}) words="${flags.map(({ long }) => long).join(' ')}"; apps=${takesApp ? 1 : ''} ;;`,
  );
  return `# bash completion for tutti
_tutti() {
  local current=\${COMP_WORDS[COMP_CWORD]} words= apps=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${entries.flatMap(({ names }) => names).join(' ')} --help --version" -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$words --help" -- "$current"))
  elif [ -n "$apps" ]; then
    COMPREPLY=($(compgen -W "$(tutti completion names 2>/dev/null)" -- "$current"))
  fi
}
complete -o default -F _tutti tutti
`;
}

function zsh(entries: readonly Entry[]): string {
  const quote = (text: string) => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&');
  const list = entries.flatMap(({ names, summary }) => names.map((name) => `    '${name}:${quote(summary)}'`));
  const cases = entries.map(({ names, flags, takesApp }) => {
    const specs = flags.map(({ long, summary, takesValue }) => `'${long}${takesValue ? '=' : ''}[${quote(summary)}]'`);
    const all = [...specs, takesApp ? "'*:app:_tutti_apps'" : "'*:file:_files'"];
    return `    ${names.join('|')})\n      _arguments \\\n        ${all.join(' \\\n        ')} ;;`;
  });
  return `#compdef tutti
_tutti_apps() { local -a apps; apps=(\${(f)"$(tutti completion names 2>/dev/null)"}); compadd -a apps; _files }
_tutti() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local verb=\${words[2]}
  shift words; (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_tutti" ]; then _tutti "$@"; else compdef _tutti tutti; fi
`;
}

function fish(entries: readonly Entry[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = entries.flatMap(({ names, summary, flags, takesApp }) => {
    const seen = `-n "__fish_seen_subcommand_from ${names.join(' ')}"`;
    return [
      ...names.map((name) => `complete -c tutti -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`),
      ...flags.map(
        ({ long, summary: what, takesValue }) =>
          `complete -c tutti ${seen} -l ${long.replace(/^--/, '')}${takesValue ? ' -r' : ''} -d ${quote(what)}`,
      ),
      ...(takesApp ? [`complete -c tutti ${seen} -a "(tutti completion names 2>/dev/null)"`] : []),
    ];
  });
  return `# fish completion for tutti\n${lines.join('\n')}\n`;
}
