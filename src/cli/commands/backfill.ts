import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'backfill',
  summary: 'Compute a range of a table again, window by window; goes on where it was stopped',
  group: 'Work',
  logs: true,
  configure(command) {
    command
      .argument('<table>', 'a silver or gold table')
      .requiredOption('--from <start>', 'first value, inclusive: 2025, 2025-03, 2025-03-01, a number')
      .requiredOption('--to <end>', 'last value, exclusive')
      .option('--window <size>', 'size of a window: 1 month, 7d, 12h; a number for numbers', '1 month')
      .option('--by <column>', 'column to cut by (default: that of refresh, else of partition_by)')
      .option('--metrics-file <file>', 'write the numbers there at the end, for node_exporter (a name in .prom)')
      .option('--dry-run', 'list the windows and the rows that are in them now; change nothing')
      .addHelpText(
        'after',
        '\nEach window is tested and published by itself. The same command again goes on\nafter the last published window.\n\nExamples:\n  dataflow backfill kpi_ca_par_jour --from 2024 --to 2025\n  dataflow backfill gold.ventes --by date --from 2024-03 --to 2024-06 --window 7d',
      );
  },
  load: async () => (await import('../runners/backfill.ts')).backfill,
};
