import type { CommandSpec } from '../command-spec.ts';
import { addSelectionFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'parity',
  summary: 'Compute silver and gold tables by two engines and compare rows and types; publishes nothing',
  group: 'Care',
  configure(command) {
    addSelectionFlags(command)
      .option('--engine <name>', 'the engine beside DuckDB: spark')
      .option('--sample <percent>', 'take only so much of large input tables, the same rows for both engines')
      .option('--limit <rows>', 'show at most so many rows of each kind of difference per table', '3')
      .addHelpText(
        'after',
        `\nExit status: 0 the same rows, 1 a table differs, 2 none does but one is refused.
\nExamples:\n  dataflow parity\n  dataflow parity --sample 5 --select +gold.kpi_ca_par_mois`,
      );
  },
  load: async () => (await import('../runners/parity.ts')).parity,
};
