import { Option } from 'commander';
import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'lineage',
  summary: 'Show where tables and columns come from and what depends on them',
  group: 'Look',
  configure(command) {
    command
      .argument('[target]', 'a table (gold.dim_clients) or a column (gold.dim_clients.segment)')
      .option('--columns', 'show columns, not only tables')
      .option('--upstream', 'only what the target comes from')
      .option('--downstream', 'only what the target goes into')
      .option('--openlineage', 'write the events of a run in the OpenLineage standard, one JSON a line')
      .option('--run <run>', 'with --openlineage: which run (default: the newest)')
      .option('--send', 'with --openlineage: send them to where events of runs go, once more')
      .addOption(new Option('--output <kind>', 'how the graph is written').choices(['text', 'json', 'mermaid', 'dot']))
      .addHelpText(
        'after',
        '\nExamples:\n  dataflow lineage gold.kpi_ca_par_mois\n  dataflow lineage silver.achats.montant --downstream\n  dataflow lineage --columns --output mermaid > lineage.mmd',
      );
  },
  load: async () => (await import('../runners/lineage.ts')).lineage,
};
