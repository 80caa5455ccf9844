import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'ingest',
  summary: 'Take new input into bronze only',
  group: 'Work',
  logs: true,
  configure(command) {
    command
      .argument('[source...]', 'sources to take (default: all)')
      .option('--rehash', 'hash every input file again instead of trusting size, time and inode')
      .option('--until-caught-up', 'go on until each source had no more (default: at most 100 batches of a source)')
      .option('--metrics-file <file>', 'write the numbers there at the end, for node_exporter (a name in .prom)')
      .option('--dry-run', 'print what would be taken; change nothing');
  },
  load: async () => (await import('../runners/run.ts')).ingest,
};
