import type { Command } from 'commander';
import type { Selection } from '../../core/planning/selection.ts';

/** `--select` and `--exclude`, in dbt's grammar. */
export function addSelectionFlags(command: Command): Command {
  return command
    .option('-s, --select <words...>', 'tables to take: name, gold.*, +name+, tag:x, path:dir, source:x (a,b = both)')
    .option('--exclude <words...>', 'tables to leave out, same grammar');
}

export function selectionFrom(options: Readonly<Record<string, unknown>>, layer?: string): Selection {
  const words = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
  return {
    select: words(options['select']),
    exclude: words(options['exclude']),
    ...(layer === undefined ? {} : { layer }),
  };
}
