import { Option } from 'commander';
import { EXPORT_FORMATS } from '../../app/export/formats.ts';
import type { CommandSpec } from '../command-spec.ts';
import { addSelectionFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'export',
  summary: 'Write tables to CSV, NDJSON, Parquet or Excel, or set-ups of monitoring, as files',
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
    command
      .command('monitoring')
      .description('configuration of Prometheus, Alertmanager and Grafana for this project: rules, tests, a dashboard')
      .option('--to <folder>', 'where the files go', 'monitoring')
      .option('--target <host:port>', 'where dataflow serve answers (default: by serve:)')
      .option('--alertmanager <host:port>', 'where Alertmanager listens', '127.0.0.1:9093')
      .option('--prometheus <url>', 'where Grafana finds Prometheus', 'http://127.0.0.1:9090')
      .option('--webhook <url>', 'where Alertmanager posts to')
      .option('--force', 'replace files that hold something else')
      .option('--dry-run', 'print what would be written; change nothing')
      .addHelpText(
        'after',
        '\nExamples:\n  dataflow export monitoring --to /etc/dataflow-monitoring\n  promtool check config monitoring/prometheus.yml\n  promtool test rules monitoring/dataflow.rules.test.yml',
      );
  },
  load: async () => (await import('../runners/export.ts')).exportCommand,
};
