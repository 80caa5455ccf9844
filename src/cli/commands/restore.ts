import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'restore',
  summary: 'Bring the lake, a table or an old version back from a mirror, every file checked by its hash',
  group: 'Care',
  configure(command) {
    command
      .argument('<name>', 'an entry of mirrors:')
      .option('--table <table>', 'only this table, such as gold.dim_clients')
      .option('--version <number>', 'this version of the table; needs --table and --to')
      .option('--release <id>', 'this release (its beginning will do) instead of the newest there')
      .option('--to <folder>', 'make a lake in this folder instead of mending that of the project')
      .option('--dry-run', 'print what would be done; change nothing')
      .addHelpText(
        'after',
        '\nWhere the lake is gone it is made anew; in a lake that is there only files that\nare missing or damaged are put back.\n\nExamples:\n  dataflow restore minio --dry-run\n  dataflow restore minio --table gold.dim_clients\n  dataflow restore minio --release 01m7 --to ../lake-of-may',
      );
  },
  load: async () => (await import('../runners/restore.ts')).restore,
};
