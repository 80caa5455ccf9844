import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'quarantine',
  summary: 'Show rejected rows and files: grouped by rule and file, or row by row for one table',
  group: 'Look',
  configure(command) {
    command
      .argument('[table]', 'a table such as silver.achats: its rejected rows')
      .option('--limit <rows>', 'at most this many rows', '100');
  },
  load: async () => (await import('../runners/quarantine.ts')).quarantine,
};
