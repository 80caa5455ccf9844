import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'status',
  summary: 'Show every table: version, rows, quarantine, last result; answers from the ledger',
  group: 'Look',
  configure(command) {
    command
      .argument('[run]', 'one run instead: its steps and what it used (`last` is the newest)')
      .option('--runs [count]', 'list the last runs instead')
      .option('--drift [source]', 'list how the columns of sources changed instead')
      .option('--watch', 'show it live, with keys to move, open tables, retry, cancel and replay (also: dataflow ui)')
      .option('--reasons', 'say why each table was computed last, or why not, instead of its rows');
  },
  load: async () => (await import('../runners/status.ts')).status,
};
