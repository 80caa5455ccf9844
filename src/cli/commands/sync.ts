import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'sync',
  summary: 'Copy the newest release to mirrors in HDFS or an object store, and compare the two',
  group: 'Work',
  logs: true,
  configure(command) {
    command
      .command('run', { isDefault: true })
      .description('copy what is new or changed, and prove that it arrived')
      .argument('[name...]', 'entries of mirrors: (default: all)')
      .option('--delete', 'remove there what the lake no longer has and no release needs')
      .option('--max-delete <percent>', 'refuse to remove a larger part of the files than this')
      .option('--force', 'replace what others changed there')
      .option('--dry-run', 'print what would be done; change nothing')
      .addHelpText(
        'after',
        '\nA copy only grows, unless --delete or `delete: true` say otherwise. What others\nchanged there is reported and left alone.\n\nExamples:\n  dataflow sync --dry-run\n  dataflow sync minio\n  dataflow sync check minio',
      );
    command
      .command('check')
      .description(
        'compare both sides file by file: = equal, + missing there, * to be renewed, - only there, ! changed by others',
      )
      .argument('<name>', 'an entry of mirrors:')
      .option('--all', 'also print what is equal');
    command
      .command('status')
      .description('the release that each mirror holds')
      .argument('[name...]', 'entries of mirrors:');
  },
  load: async () => (await import('../runners/sync.ts')).sync,
};
