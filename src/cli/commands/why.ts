import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'why',
  summary: 'Explain a table, a run or a step: why it ran, was skipped or failed, and what would run now',
  group: 'Look',
  configure(command) {
    command
      .argument('[subject]', 'a table (gold.x, or x), the id of a run or step or its beginning (default: the last run)')
      .option('--no-diff', 'name what changed in a definition without showing the lines')
      .addHelpText(
        'after',
        '\nExamples:\n  dataflow why gold.kpi_ca_par_mois\n  dataflow why last\n  dataflow why 01m7yq4y --format json',
      );
  },
  load: async () => (await import('../runners/why.ts')).why,
};
