import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'trace',
  summary: 'Follow rows back to files and lines, or a file or line forward to tables',
  group: 'Look',
  configure(command) {
    command
      .argument('<target>', 'a table, a file, a line of it as file:line, or the SHA-256 of a file')
      .option('--where <condition>', 'which rows of the table, as an SQL condition')
      .option('--as-of <version>', 'an older version of the table')
      .option('--release <release>', 'the version that this release holds: an id, current, previous, current~2')
      .option('--limit <rows>', 'show at most so many rows and lines per table', '3')
      .addHelpText(
        'after',
        `\nExamples:\n  dataflow trace gold.kpi_ca_par_mois --where "mois = '2024-03'"\n  dataflow trace data/achats.csv:120`,
      );
  },
  load: async () => (await import('../runners/trace.ts')).trace,
};
