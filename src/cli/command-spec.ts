import type { Command } from 'commander';
import type { Rooms } from '../app/rooms.ts';
import type { Printer } from './printer.ts';

/** Headings of `dataflow help`, in the order in which they are printed. */
export const COMMAND_GROUPS = ['Start', 'Work', 'Look', 'Care'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/** What a command gets to work with. */
export interface Invocation {
  /** Verb and subcommand: `run`, `ledger rebuild`. */
  readonly verb: string;
  /** Operands as typed. */
  readonly args: readonly string[];
  /** Flags by camel-cased name (`--dry-run` is `dryRun`), global ones included. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The whole command line, secrets masked, for the ledger. */
  readonly command_line: string;
  readonly rooms: Rooms;
  readonly printer: Printer;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** The program with every command configured: what `help` and `completion` describe. */
  program(): Promise<Command>;
}

/** Calls one use-case, prints what it returned, and yields the exit code. Errors are thrown, never printed. */
export type CommandRunner = (invocation: Invocation) => Promise<number>;

/**
 * One verb. `commands/<verb>.ts` exports one as `spec` and imports nothing heavy at its top: `load` brings the use-case.
 * `name`, `summary` and `group` are plain literals, because the generator copies them into the registry.
 */
export interface CommandSpec {
  readonly name: string;
  /** One line for `dataflow help`, without a full stop. */
  readonly summary: string;
  readonly group: CommandGroup;
  /** What the first SIGINT or SIGTERM makes it do, where that is not finishing a step. */
  readonly stopping?: string;
  /** It takes `--log-format` and `--log-level`: what it says on stderr may be logged as JSON. */
  readonly logs?: boolean;
  /** Operands, flags, subcommands and examples. Global flags are added afterwards, unless the command declares one itself. */
  configure(command: Command): void;
  load(): Promise<CommandRunner>;
}

/** A command as the generated registry holds it: what the list of commands shows, and the way to the rest. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: CommandGroup;
  load(): Promise<CommandSpec>;
}
