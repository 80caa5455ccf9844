import type { Command } from 'commander';
import type { Selection } from '../../core/planning/selection.ts';

/** `--select` and `--exclude`, in dbt's grammar. */
export function addSelectionFlags(command: Command): Command {
  return command
    .option('-s, --select <words...>', 'tables to take: name, gold.*, +name+, tag:x, path:dir, source:x (a,b = both)')
    .option('--exclude <words...>', 'tables to leave out, same grammar');
}

/** What `run` and `plan` take beside the selection. */
export function addRunFlags(command: Command): Command {
  return addSelectionFlags(command)
    .option('--until <words...>', 'only these tables and what they need; with --from: what lies between')
    .option('--from <words...>', 'only these tables and what comes after them')
    .option('-f, --full-refresh', 'compute whole tables even where a part would do')
    .option('--force', 'run up-to-date tables too; with --full-refresh, load every file again')
    .option('-x, --fail-fast', 'start nothing after the first failure (default: go on where possible)')
    .option('--rehash', 'hash every input file again instead of trusting size, time and inode')
    .option('--redo', 'do again what was undone')
    .option('--allow-missing', 'on_missing: delete removes rows also when most loaded files are gone');
}

export function selectionFrom(options: Readonly<Record<string, unknown>>, layer?: string): Selection {
  const words = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
  return {
    select: words(options['select']),
    exclude: words(options['exclude']),
    from: words(options['from']),
    until: words(options['until']),
    ...(layer === undefined ? {} : { layer }),
  };
}

/** The flags of {@link addRunFlags} beside the selection. */
export function runFlagsFrom(options: Readonly<Record<string, unknown>>): {
  readonly full_refresh: boolean;
  readonly force: boolean;
  readonly fail_fast: boolean;
  readonly rehash: boolean;
  readonly redo: boolean;
  readonly allow_missing: boolean;
} {
  return {
    full_refresh: options['fullRefresh'] === true,
    force: options['force'] === true,
    fail_fast: options['failFast'] === true,
    rehash: options['rehash'] === true,
    redo: options['redo'] === true,
    allow_missing: options['allowMissing'] === true,
  };
}
