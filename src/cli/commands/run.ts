import type { CommandSpec } from '../command-spec.ts';
import { addRunFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'run',
  summary: 'Take new input through bronze, silver and gold; only what changed is computed',
  group: 'Work',
  logs: true,
  configure(command) {
    addRunFlags(command.argument('[layer]', 'bronze, silver or gold: only tables of this layer'))
      .option('--metrics-file <file>', 'write the numbers there at the end, for node_exporter (a name in .prom)')
      .option('--dry-run', 'print what would run and why; change nothing')
      .addHelpText(
        'after',
        '\nExamples:\n  dataflow run\n  dataflow run silver\n  dataflow run --select +gold.kpi_* --exclude tag:slow\n  dataflow run --until fact_ventes\n  dataflow run --from silver.achats --until kpi_ca_par_mois --fail-fast',
      );
  },
  load: async () => (await import('../runners/run.ts')).run,
};
