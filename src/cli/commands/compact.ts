import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'compact',
  summary: 'Write small files together and collect old versions that nobody needs',
  group: 'Care',
  configure(command) {
    command
      .argument('[tables...]', 'tables or layers: bronze.achats, silver (default: the whole lake)')
      .option('--dry-run', 'print what would be done; change nothing')
      .option('--target-size <size>', 'size of the files to make, e.g. 128MB', '128MB')
      .option('--grace <duration>', 'old versions stay at least this long, for readers that nobody knows of', '1h')
      .addHelpText(
        'after',
        '\nHow long old versions can be read is set by lake.keep.versions_days. Runs and\nreaders may go on meanwhile.\n\nExamples:\n  dataflow compact --dry-run\n  dataflow compact bronze --target-size 256MB',
      );
  },
  load: async () => (await import('../runners/compact.ts')).compact,
};
