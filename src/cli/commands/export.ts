import { Option } from 'commander';
import { EXPORT_FORMATS } from '../../app/export/formats.ts';
import type { CommandSpec } from '../command-spec.ts';
import { addSelectionFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'export',
  summary: 'Write tables of a release to CSV, NDJSON, Parquet or Excel files',
  group: 'Work',
  configure(command) {
    const data = command
      .command('data')
      .description('tables, or the rows of a query, as files beside a manifest with hashes and row counts')
      .argument('[table...]', "tables of the release: gold.dim_clients, 'gold.*'");
    addSelectionFlags(data)
      .requiredOption(
        '--to <path>',
        'a folder, or one file: .csv, .ndjson, .parquet (also .gz), .xlsx (a sheet a table)',
      )
      .addOption(new Option('--as <kind>', 'kind of the files in a folder (default: csv)').choices(EXPORT_FORMATS))
      .option('--query <sql>', 'the rows of this query instead of tables')
      .option('--release <release>', 'an id or its beginning, current, previous, current~N, or first', 'current')
      .option('--formula-safe', 'in CSV and Excel, disarm texts that a spreadsheet would run')
      .option('--force', 'replace what is there')
      .option('--dry-run', 'print what would be written; change nothing')
      .addHelpText(
        'after',
        "\nExamples:\n  dataflow export data 'gold.*' --to out\n  dataflow export data 'gold.kpi_*' --to kpis.xlsx\n  dataflow export data --query \"select * from gold.dim_clients where pays = 'France'\" --to france.csv",
      );
  },
  load: async () => (await import('../runners/export.ts')).exportCommand,
};
