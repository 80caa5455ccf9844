import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'metrics',
  summary: 'Print the numbers of runs, tables and destinations for Prometheus, from the ledger',
  group: 'Look',
  configure(command) {
    command
      .option('--to <file>', 'write them into a file for node_exporter instead (a name in .prom)')
      .option('--push', 'push them by OTLP instead: metrics.otlp, or OTEL_EXPORTER_OTLP_ENDPOINT')
      .addHelpText(
        'after',
        '\nThe same numbers stand at /metrics of dataflow serve, and after each run in\nmetrics.file.\n\nExamples:\n  dataflow metrics\n  dataflow metrics --to /var/lib/node_exporter/dataflow.prom',
      );
  },
  load: async () => (await import('../runners/metrics.ts')).metrics,
};
