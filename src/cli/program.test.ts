import { describe, expect, it } from 'vitest';
import type { CommandEntry } from './command-spec.ts';
import { COMPLETION_SHELLS, completionScript } from './completion.ts';
import { allHelpTexts } from './help-text.ts';
import { describeProgram, type ParsedCommand, parseCommandLine } from './program.ts';
import { showsProgress } from './progress.ts';
import { watchSignals } from './signals.ts';

const loaded: string[] = [];

function entry(name: string, configure: Awaited<ReturnType<CommandEntry['load']>>['configure']): CommandEntry {
  const head = { name, summary: `does ${name}`, group: 'Work' } as const;
  return {
    ...head,
    load: async () => {
      loaded.push(name);
      return { ...head, configure, load: async () => async () => 0 };
    },
  };
}

const commands: readonly CommandEntry[] = [
  entry('make', (command) => {
    command
      .argument('[what...]')
      .option('--format <kind>', 'format of the files')
      .option('--rows <n>', 'how many', '10');
  }),
  entry('ledger', (command) => {
    command.command('rebuild').description('anew').option('--dry-run');
  }),
];

async function parsed(...argv: string[]): Promise<ParsedCommand> {
  const result = await parseCommandLine(argv, commands, '1.2.3');
  if (!('command' in result)) throw new Error(`a text: ${result.text}`);
  return result.command;
}

describe('parseCommandLine', () => {
  it('takes global flags before and after the verb; the later one wins', async () => {
    expect((await parsed('--config', 'a.yaml', 'ledger', 'rebuild', '-q')).options).toMatchObject({
      config: 'a.yaml',
      quiet: true,
    });
    expect((await parsed('--config', 'a.yaml', 'ledger', 'rebuild', '--config', 'b.yaml')).options).toMatchObject({
      config: 'b.yaml',
    });
    expect((await parsed('--no-color', 'ledger', 'rebuild')).options).toMatchObject({ color: false });
  });

  it('lets a command have a flag of its own by a global name', async () => {
    expect(await parsed('make', 'a', 'b', '--format', 'parquet')).toMatchObject({
      verb: 'make',
      args: ['a', 'b'],
      options: { format: 'parquet', rows: '10' },
    });
    await expect(parsed('ledger', 'rebuild', '--format', 'parquet')).rejects.toThrow(/Allowed choices/);
  });

  it('names subcommands and their own flags', async () => {
    expect(await parsed('ledger', 'rebuild', '--dry-run')).toMatchObject({
      verb: 'ledger rebuild',
      options: { dryRun: true },
    });
  });

  it('loads the named command alone', async () => {
    loaded.length = 0;
    await parsed('make');
    expect(loaded).toEqual(['make']);
  });

  it.each([
    [['mak'], 'unknown command', /make/],
    [['make', '--row', '5'], "unknown option '--row'", /--rows/],
    [['ledger'], 'dataflow ledger needs a command: rebuild', /dataflow help ledger/],
    [['-q'], 'dataflow needs a command: make, ledger', /dataflow help/],
    [['make', '--rows'], 'argument missing', /dataflow help make/],
  ])('%j is wrong use with advice', async (argv, message, hint) => {
    await expect(parseCommandLine(argv, commands, '1')).rejects.toMatchObject({
      code: 'E_USAGE',
      exit_code: 2,
      message: expect.stringContaining(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('gives texts for help and version', async () => {
    expect(await parseCommandLine(['--version'], commands, '1.2.3')).toEqual({ text: '1.2.3\n' });
    const { text } = (await parseCommandLine(['make', '--help'], commands, '1')) as { text: string };
    expect(text).toMatch(/^Usage: dataflow make \[options\] \[what\.\.\.\]/);
    expect(text.match(/--format/g)).toHaveLength(1);
  });
});

describe('help and completion', () => {
  it('has a text for the program, each command and each subcommand', async () => {
    const texts = allHelpTexts(await describeProgram(commands, '1'));
    expect([...texts.keys()].sort()).toEqual(['', 'ledger', 'ledger.rebuild', 'make']);
    expect(texts.get('')).toMatch(/Work:\n {2}make \[what\.\.\.\] +does make\n/);
  });

  it.each(COMPLETION_SHELLS)('completes every word for %s', async (shell) => {
    const script = completionScript(await describeProgram(commands, '1'), shell);
    for (const word of ['make', 'ledger', 'rebuild', 'rows', 'dry-run', 'formula-safe']) expect(script).toContain(word);
  });
});

describe('watchSignals', () => {
  it('asks first, then ends the process', () => {
    const handlers = new Map<string, (name: string) => void>();
    const exits: number[] = [];
    const host = {
      on: (name: string, handler: (name: string) => void) => handlers.set(name, handler),
      off: (name: string) => handlers.delete(name),
      exit: (code: number) => exits.push(code),
    } as unknown as NodeJS.Process;
    const told: string[] = [];
    const watch = watchSignals((line) => told.push(line), undefined, host);
    expect(watch.exitCode()).toBeUndefined();
    handlers.get('SIGTERM')?.('SIGTERM');
    expect([watch.signal.aborted, watch.exitCode(), told.length, exits]).toEqual([true, 143, 1, []]);
    handlers.get('SIGINT')?.('SIGINT');
    expect(exits).toEqual([130]);
    // A signal that comes while the program ends is not to end it in another way.
    watch.dispose();
    expect(handlers.size).toBe(2);
    watchSignals((line) => told.push(line), undefined, host).dispose();
    expect(handlers.size).toBe(0);
  });
});

describe('showsProgress', () => {
  it.each([
    [true, {}, false, true],
    [false, {}, false, false],
    [true, { CI: 'true' }, false, false],
    [true, { CI: 'false' }, false, true],
    [true, { TERM: 'dumb' }, false, false],
    [true, {}, true, false],
  ])('terminal %s, %j, quiet %s → %s', (is_tty, env, quiet, expected) => {
    expect(showsProgress({ quiet, logs: false }, is_tty, env)).toBe(expected);
  });

  it('not where stderr is a log for programs', () => {
    expect(showsProgress({ quiet: false, logs: true }, true, {})).toBe(false);
  });
});
