import type { Rooms } from '../app/rooms.ts';
import { CATALOGUE } from '../core/errors/catalogue.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { redactor } from '../kit/redact.ts';
import { shellWord } from '../kit/shell-word.ts';
import type { CommandEntry, Invocation } from './command-spec.ts';
import { renderError } from './errors.ts';
import { EXIT_DONE, EXIT_FAILED, exitCodeOf } from './exit-codes.ts';
import type { LineLog } from './json-log.ts';
import { logFormatFrom, logLevelFrom } from './log-options.ts';
import { FORMATS, type Format, Printer } from './printer.ts';
import { describeProgram, type ParsedCommand, parseCommandLine } from './program.ts';
import { watchSignals } from './signals.ts';
import { openSink } from './sink.ts';
import { isAscii, loadStyle, wantsColor } from './style.ts';

export interface CliHost {
  readonly commands: readonly CommandEntry[];
  readonly rooms: Rooms;
  /** Masks secrets; knows more of them once a project is loaded. */
  readonly redact: (text: string) => string;
}

const LINE_CELLS = 80;
const LINE_CELLS_MIN = 40;

/** Runs one command line from parsing to exit status. Never throws: whatever goes wrong is rendered on stderr. */
export async function runCli(argv: readonly string[], host: CliHost): Promise<number> {
  const logs: Logs = {};
  const fail = (error: unknown): Promise<number> => reportFailure(error, argv, host.redact, logs.log);
  const last = (error: unknown): void => {
    void fail(error).finally(() => process.exit(EXIT_FAILED));
  };
  process.on('uncaughtException', last).on('unhandledRejection', last);
  try {
    const parsed = await parseCommandLine(argv, host.commands, host.rooms.version);
    if ('command' in parsed) return await runCommand(parsed.command, argv, host, fail, logs);
    openSink(1).write(parsed.text);
    return EXIT_DONE;
  } catch (error) {
    return await fail(error);
  } finally {
    process.off('uncaughtException', last).off('unhandledRejection', last);
  }
}

/** The log of the command at work, when it has one: what it failed of belongs into it, too. */
interface Logs {
  log?: LineLog;
}

async function runCommand(
  command: ParsedCommand,
  argv: readonly string[],
  host: CliHost,
  fail: (error: unknown) => Promise<number>,
  logs: Logs,
): Promise<number> {
  const printer = await newPrinter(command, host.redact, logs);
  const watch = watchSignals((line) => printer.error(line), command.spec.stopping);
  const invocation: Invocation = {
    verb: command.verb,
    args: command.args,
    options: command.options,
    command_line: redactor([])(['dataflow', ...argv.map(shellWord)].join(' ')),
    rooms: host.rooms,
    printer,
    signal: watch.signal,
    env: process.env,
    cwd: process.cwd(),
    program: () => describeProgram(host.commands, host.rooms.version),
  };
  let code: number;
  try {
    const run = await command.spec.load();
    code = await run(invocation);
  } catch (error) {
    code = await fail(
      watch.exitCode() === undefined || error instanceof DataflowError ? withHelp(error, command) : stopped(error),
    );
  } finally {
    watch.dispose();
  }
  return watch.exitCode() ?? code;
}

/** Wrong use without a hint of its own leads to the help of its command. */
function withHelp(error: unknown, { verb }: ParsedCommand): unknown {
  if (!(error instanceof DataflowError) || error.code !== 'E_USAGE' || error.hint !== CATALOGUE.E_USAGE.hint)
    return error;
  const { message, place, kept, cause } = error;
  return new DataflowError('E_USAGE', message, {
    hint: `See \`dataflow help ${verb}\`.`,
    ...(place === undefined ? {} : { place }),
    ...(kept === undefined ? {} : { kept }),
    cause,
  });
}

/** What a command broke off with when it was asked to stop is no defect. */
function stopped(cause: unknown): DataflowError {
  return new DataflowError('E_INTERRUPTED', cause instanceof Error ? cause.message : 'stopped', {
    kept: 'everything that was published stays; nothing is half-published',
    cause,
  });
}

async function newPrinter(
  { options, spec, verb }: ParsedCommand,
  redact: (text: string) => string,
  logs: Logs,
): Promise<Printer> {
  const { env } = process;
  const level = spec.logs === true ? logLevelFrom(options) : undefined;
  if (spec.logs === true && logFormatFrom(options, env) === 'json') {
    const { LineLog } = await import('./json-log.ts');
    const flags = options['verbose'] === true ? 'debug' : options['quiet'] === true ? 'warn' : 'info';
    logs.log = new LineLog(level ?? flags, verb);
  }
  const stdout = openSink(1);
  const stderr = openSink(2);
  const no_color = options['color'] === false;
  return new Printer({
    format: FORMATS.find((one) => one === options['format']) ?? 'table',
    stdout,
    stderr,
    width: lineCells(env, stdout.columns),
    style: await loadStyle(wantsColor({ no_color, is_tty: stdout.is_tty, env })),
    error_style: await loadStyle(wantsColor({ no_color, is_tty: stderr.is_tty, env })),
    quiet: options['quiet'] === true,
    verbose: options['verbose'] === true,
    formula_safe: options['formulaSafe'] === true,
    ascii: isAscii(env),
    redact,
    level,
    log: logs.log,
  });
}

function lineCells(env: NodeJS.ProcessEnv, columns: number | undefined): number {
  const told = columns ?? Number.parseInt(env['COLUMNS'] ?? '', 10);
  return Number.isInteger(told) && told > 0 ? Math.max(told, LINE_CELLS_MIN) : LINE_CELLS;
}

/** Works from the bare arguments, because parsing them may be what failed. */
async function reportFailure(
  error: unknown,
  argv: readonly string[],
  redact: (text: string) => string,
  log: LineLog | undefined,
): Promise<number> {
  const stderr = openSink(2);
  const color = wantsColor({
    no_color: argv.includes('--no-color'),
    is_tty: stderr.is_tty,
    env: process.env,
  });
  const view = {
    format: formatIn(argv),
    cwd: process.cwd(),
    verbose: argv.includes('--verbose') || argv.includes('-v'),
    style: await loadStyle(color),
    terminal: stderr,
    redact,
  };
  if (log === undefined) stderr.write(`${renderError(error, view)}\n`);
  else for (const line of renderError(error, { ...view, format: 'ndjson' }).split('\n')) logFailure(log, line);
  return exitCodeOf(error);
}

function logFailure(log: LineLog, line: string): void {
  const { message, ...more } = JSON.parse(line) as { readonly message: string };
  log.line('error', message, more);
}

function formatIn(argv: readonly string[]): Format {
  const given = argv.findLast((word, i) => word.startsWith('--format=') || argv[i - 1] === '--format');
  return FORMATS.find((one) => one === given?.replace('--format=', '')) ?? 'table';
}
