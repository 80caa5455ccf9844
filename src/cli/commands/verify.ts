import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'verify',
  summary: 'Prove that the lake is intact: files, logs, ledger, balances, inputs',
  group: 'Care',
  configure(command) {
    command
      .argument('[tables...]', 'tables or layers: silver.achats, gold (default: the whole lake)')
      .option('--all-versions', 'also the files that only older versions hold')
      .option('--quick', 'sizes, logs and balances only: reads no data')
      .option('--rows', 'also read the rows: those of each input file, keys, quarantine by rule and file')
      .option('--at <name>', 'instead: whether this mirror or load is equal to the newest release')
      .option('--sources', 'also tell which source files have changed since they were loaded')
      .addHelpText(
        'after',
        '\nEnds with 1 when something is damaged, and names the file, what holds it and\nthe way back.\n\nExamples:\n  dataflow verify\n  dataflow verify --quick\n  dataflow verify silver.achats --all-versions --format json',
      );
  },
  load: async () => (await import('../runners/verify.ts')).verify,
};
