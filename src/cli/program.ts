import { type Argument, Command, CommanderError, Help, Option } from 'commander';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { COMMAND_GROUPS, type CommandEntry, type CommandSpec } from './command-spec.ts';
import { addLogOptions } from './log-options.ts';
import { FORMATS } from './printer.ts';

/** Width of help texts: the same on every terminal, because the build renders them beforehand. */
const HELP_CELLS = 80;

const GLOBAL_GROUP = 'Global options:';

/** A command line that was understood: which command, which flags. */
export interface ParsedCommand {
  readonly spec: CommandSpec;
  /** `run`, `ledger rebuild`. */
  readonly verb: string;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** What parsing came to: a command to run, or a text to print (help, version). */
export type Parsed = { readonly command: ParsedCommand } | { readonly text: string };

/**
 * Parses the arguments after the program's name. Only the command that is named is loaded.
 * @throws DataflowError E_USAGE with a "did you mean".
 */
export async function parseCommandLine(
  argv: readonly string[],
  commands: readonly CommandEntry[],
  version: string,
): Promise<Parsed> {
  let text = '';
  let parsed: ParsedCommand | undefined;
  const program = newProgram(commands, version, (part) => {
    text += part;
  });
  const specs = new Map<string, CommandSpec>();
  const onAction = (command: Command): void => {
    const spec = specs.get(pathOf(command)[0] ?? '');
    if (spec !== undefined)
      parsed = { spec, verb: pathOf(command).join(' '), args: command.args, options: allOptions(command) };
  };
  program.hook('preSubcommand', async (_, command) => {
    const entry = commands.find((one) => one.name === command.name());
    if (entry === undefined || command.parent !== program) return;
    specs.set(entry.name, await configure(command, entry, onAction));
  });
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(error, program, argv);
  }
  return parsed === undefined ? { text } : { command: parsed };
}

/** The program with every command loaded and configured, for help, completion and reference pages. */
export async function describeProgram(commands: readonly CommandEntry[], version: string): Promise<Command> {
  const program = newProgram(commands, version, () => undefined);
  for (const command of program.commands) {
    const entry = commands.find((one) => one.name === command.name());
    if (entry !== undefined) await configure(command, entry, () => undefined);
  }
  return program;
}

function newProgram(commands: readonly CommandEntry[], version: string, write: (text: string) => void): Command {
  const program = new Command('dataflow')
    .description('Takes files through bronze, silver and gold tables, with every row accounted for.')
    .usage('<command> [options]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ helpWidth: HELP_CELLS, subcommandTerm: termOf, groupItems: globalLast })
    .configureOutput({
      writeOut: write,
      writeErr: () => undefined,
      getOutHelpWidth: () => HELP_CELLS,
      getOutHasColors: () => false,
    });
  for (const group of COMMAND_GROUPS) {
    for (const entry of commands.filter((one) => one.group === group)) {
      program.command(entry.name).description(entry.summary).helpGroup(`${group}:`);
    }
  }
  addGlobalOptions(program);
  program.addHelpText('after', '\nHelp on a command: dataflow help <command>');
  return program;
}

async function configure(
  command: Command,
  entry: CommandEntry,
  onAction: (command: Command) => void,
): Promise<CommandSpec> {
  const spec = await entry.load();
  spec.configure(command);
  for (const leaf of leavesOf(command)) {
    if (spec.logs === true) addLogOptions(leaf);
    addGlobalOptions(leaf);
    leaf.action(() => onAction(leaf));
  }
  return spec;
}

/** How a command is listed: name and operands. That it takes flags goes without saying. */
function termOf(command: Command): string {
  return [command.name(), ...command.registeredArguments.map(operandOf)].join(' ');
}

/** A command without flags of its own has --help still, which stands before the flags of all commands. */
function globalLast<T extends Command | Option>(
  declared: T[],
  visible: T[],
  groupOf: (item: T) => string,
): Map<string, T[]> {
  const groups = new Help().groupItems(declared, visible, groupOf);
  const shared = groups.get(GLOBAL_GROUP);
  if (shared !== undefined && groups.delete(GLOBAL_GROUP)) groups.set(GLOBAL_GROUP, shared);
  return groups;
}

function operandOf(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** The command itself, or its subcommands when it has some. */
function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** Flags that every command takes. A command that declares one of these names itself keeps its own. */
function addGlobalOptions(command: Command): void {
  const options = [
    new Option('--config <file>', 'configuration file (default: the nearest pipelines.yaml)'),
    new Option('--format <format>', 'how data is printed').choices([...FORMATS]),
    new Option('--formula-safe', 'in CSV, disarm cells that a spreadsheet would run'),
    new Option('-q, --quiet', 'print data and errors only'),
    new Option('-v, --verbose', 'print details, and stacks of defects'),
    new Option('--no-color', 'print without colours'),
  ];
  for (const option of options) {
    const taken = command.options.some(
      (own) => own.long === option.long || (own.short !== undefined && own.short === option.short),
    );
    if (!taken) command.addOption(option.helpGroup(GLOBAL_GROUP));
  }
}

/** Flags given on the command itself win over the same flags given before the verb. */
function allOptions(command: Command): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const one of lineage(command)) {
    for (const [name, value] of Object.entries(one.opts())) {
      if (!(name in merged) || one.getOptionValueSource(name) !== 'default') merged[name] = value;
    }
  }
  return merged;
}

function lineage(command: Command): readonly Command[] {
  return command.parent === null ? [command] : [...lineage(command.parent), command];
}

/** Names from the verb down. */
function pathOf(command: Command): readonly string[] {
  return lineage(command)
    .slice(1)
    .map((one) => one.name());
}

function usageError(error: CommanderError, program: Command, argv: readonly string[]): DataflowError {
  const [first = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n');
  const command = deepest(program, argv);
  const names = command.commands.map((one) => one.name()).join(', ');
  const message =
    error.code === 'commander.help' ? `${['dataflow', ...pathOf(command)].join(' ')} needs a command: ${names}` : first;
  const guess = /^\((.+)\)$/.exec(suggestion)?.[1];
  const help = ['dataflow', 'help', ...pathOf(command)].join(' ');
  return new DataflowError('E_USAGE', message, { hint: guess ?? `See \`${help}\`.` });
}

/** The command that the leading words name. */
function deepest(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv.filter((one) => !one.startsWith('-'))) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}
