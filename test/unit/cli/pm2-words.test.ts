// The table of PM2's words, gone through: each is read as a command line that tutti itself understands, or answered with what to type, and
// that is one too.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommanderError } from 'commander';
import { inOurWords, type OwnFlags } from '../../../src/cli/pm2/understand.ts';
import { commands, flags } from '../../../src/cli/pm2/words.ts';
import { buildProgram, runCli } from '../../../src/cli/program.ts';
import { TuttiError } from '../../../src/errors.ts';

const silent = { write: () => true, columns: 100 };
const nowhere = { argv: [], env: { NO_COLOR: '1' }, cwd: '/', stdout: silent, stderr: silent };

/** The name of the command that understands this line. Nothing is done. */
async function commandOf(argv: readonly string[]): Promise<string> {
  let name = '';
  const program = buildProgram(nowhere, async (file) => {
    name = file.name;
  });
  await program.parseAsync(argv, { from: 'user' });
  return name;
}

const ownCommands = new Map<string, { name: string; flags: OwnFlags }>();
for (const command of buildProgram(nowhere, async () => undefined).commands) {
  const known = command.options.flatMap(({ short, long, required }) =>
    [short, long].flatMap((flag) => (flag ? [[flag, required] as const] : [])),
  );
  const one = { name: command.name(), flags: new Map(known) };
  for (const word of [one.name, ...command.aliases()]) ownCommands.set(word, one);
}
const own = (word: string): { name: string; flags: OwnFlags } | null => ownCommands.get(word) ?? null;

const read = (line: string): string => inOurWords(line.split(' '), own).argv.join(' ');

/** With the names and numbers that a command may want. */
async function understands(line: string): Promise<string> {
  const words = line.replace(/^sudo /, '').split(' ');
  try {
    return await commandOf(words);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 'help';
    if (!(error instanceof CommanderError) || error.code !== 'commander.missingArgument') throw error;
    return commandOf([...words, 'web', '2']);
  }
}

async function answer(argv: readonly string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const output = {
    write: (more: string | Uint8Array): void => {
      text += String(more);
    },
  };
  const code = await runCli({ ...nowhere, argv, stdout: output, stderr: output });
  return { code, text };
}

describe('commands of PM2', () => {
  // Those that the documentation and the help of PM2 7 name.
  const all =
    `start stop restart reload delete del scale reset list ls l ps status jlist prettylist describe desc info show logs flush
    reloadLogs logrotate monit dash dashboard imonit monitor unmonitor env id pid ping kill update updatePM2 deepUpdate report save dump
    cleardump resurrect startup unstartup gracefulReload startOrRestart startOrReload startOrGracefulReload sendSignal send attach trigger
    inspect profile:cpu profile:mem slist sysinfos sysmonit serve expose deploy pull forward backward plus link unlink login logout
    register open web install uninstall publish module:install module:update module:uninstall module:generate module:publish package
    autoinstall set get unset multiset conf config create examples ecosystem init install-otel uninstall-otel`.split(
      /\s+/,
    );

  for (const word of all) {
    test(`${word} is known, and its answer is a command line of tutti`, async () => {
      const row = commands.find(({ words }) => words.includes(word)) ?? assert.fail('it is not in the table');
      if (row.as !== null) {
        assert.equal(inOurWords([word], own).argv[0], own(word) === null ? row.as.split(' ')[0] : word);
        assert.notEqual(await understands(row.as), '');
        return;
      }
      const { code, text } = await answer([word]);
      assert.equal(code, 64);
      assert.match(text, /a word of PM2\. \S/);
      assert.doesNotMatch(text, /Did you mean/);
      if (row.instead === undefined) return;
      assert.match(row.instead, /^(sudo )?tutti /);
      assert.ok(text.includes(row.instead));
      assert.notEqual(await understands(row.instead.replace(/^(sudo )?tutti /, '')), '');
    });
  }

  test('no word stands twice, and none hides a command of tutti that means something else', () => {
    const words = commands.flatMap((row) => row.words);
    assert.equal(new Set(words).size, words.length);
    for (const row of commands.filter(({ as }) => as === null)) {
      // `profile` records a profile there, too.
      for (const word of row.words) if (word !== 'profile') assert.equal(own(word), null, word);
    }
  });
});

describe('flags of PM2', () => {
  for (const row of flags) {
    for (const flag of row.flags) {
      for (const command of row.of) {
        test(`${command} ${flag} is read, named, or answered`, async () => {
          if (own(command)?.flags.has(flag) && flag !== '--env') return;
          const value = flag === '--interpreter' ? '/usr/bin/node' : '2';
          const line = [
            command,
            ...(row.takes === 'nothing' ? [] : []),
            flag,
            ...(row.takes === 'value' ? [value] : []),
          ];
          if (row.as === null && row.moot !== true) {
            const { code, text } = await answer(line);
            assert.equal(code, 64);
            assert.match(text, /a word of PM2\. \S/);
            assert.ok(text.includes(row.instead ?? assert.fail('nothing to type instead')));
            await understands((row.instead ?? '').replace(/^tutti /, ''));
            return;
          }
          const { argv, asides } = inOurWords(line, own);
          assert.equal(asides.length, row.moot === true ? 1 : 0);
          assert.equal(await commandOf(argv), row.turnsInto ?? command);
        });
      }
    }
  }

  for (const [typed, expected] of [
    ['start app.js --instances 2 --max-memory-restart 200M', 'start app.js --workers 2 --max-memory 200M'],
    ['start app.js --max-memory-restart=200M', 'start app.js --max-memory 200M'],
    [
      'start app.js --name --max-restarts -k 3000',
      'start app.js --name --max-restarts --drain-timeout 3000 --stop-timeout 3000',
    ],
    [
      'startOrReload eco.config.js --only web,mail --env production',
      'start --or-reload eco.config.js web mail --env production',
    ],
    ['startorgracefulreload eco.config.js', 'start --or-reload eco.config.js'],
    ['reload eco.config.js --only web', 'reload web'],
    ['start app.js --no-daemon --wait-ready', 'run app.js --ready message'],
    ['start -i 4 app.js -x', 'start --workers 1 -i 4 app.js'],
    ['start app.js --interpreter node', 'start app.js'],
    ['start app.ts --interpreter ./node_modules/.bin/tsx', 'start app.ts'],
    ['start app.js --interpreter /opt/node/bin/node', 'start app.js --node /opt/node/bin/node'],
    ['logs web --timestamp --lines 5', 'logs web --lines 5'],
    ['logs web -f --nostream', 'logs web -f'],
    ['wibble --env x', 'wibble --env x'],
    ['start app.js --wibble', 'start app.js --wibble'],
  ] as const) {
    test(`${typed} → ${expected}`, () => assert.equal(read(typed), expected));
  }

  test('a list of arguments of node is one for each', () => {
    const { argv } = inOurWords(['start', 'app.js', '--node-args', '--a=1,2 --b'], own);
    assert.deepEqual(argv, ['start', 'app.js', '--node-arg=--a=1,2', '--node-arg=--b']);
  });

  test('another interpreter is refused by its name', () => {
    assert.throws(
      () => read('start app.py --interpreter python3'),
      (error) => error instanceof TuttiError && /not those of python3/.test(error.message),
    );
  });

  test('a slip is answered with the word of PM2 that was meant', async () => {
    assert.match((await answer(['start', 'a.js', '--kil-timeout', '3'])).text, /Did you mean --kill-timeout\?/);
    assert.match((await answer(['startOrRelod', 'a.js'])).text, /Did you mean startOrReload\?/);
  });
});
