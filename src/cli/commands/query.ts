import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'query',
  summary: 'Run read-only SQL over the lake: bronze.x, silver.y, gold.z, quarantine.silver_y',
  group: 'Look',
  configure(command) {
    command
      .argument('[sql]', 'the SQL; without it, it is read from standard input')
      .option('--candidate <table>', 'bind the kept candidate of a failed step as "this"')
      .option('--as-of <time>', 'read tables as they were at this time (ISO 8601), or one table at this version')
      .option(
        '--engine <type>',
        'the engine that runs it, in its own dialect: duckdb or spark (at engine.url, else SPARK_REMOTE)',
      )
      .addHelpText(
        'after',
        '\nExamples:\n  dataflow query "select * from gold.kpi_ca_par_mois"\n  dataflow query --format csv "select * from quarantine.silver_achats" > rejected.csv',
      );
  },
  load: async () => (await import('../runners/query.ts')).query,
};
