import type { CommandSpec } from '../command-spec.ts';

const RELEASE = 'an id or its beginning, current, previous, current~N, or first';

export const spec: CommandSpec = {
  name: 'release',
  summary: 'List, show, compare and pin releases: table versions that belong together',
  group: 'Look',
  configure(command) {
    command
      .command('list')
      .description('the releases, newest first')
      .option('--limit <count>', 'at most this many', '20');
    command
      .command('show')
      .description('the tables of a release, against the release before')
      .argument('[release]', RELEASE, 'current');
    command
      .command('diff')
      .description('rows added, removed and changed between two releases, and in which columns')
      .argument('<from>', RELEASE)
      .argument('[to]', RELEASE, 'current')
      .option('--table <name>', 'only this table; a quarantine too, such as quarantine.silver_achats')
      .option('--rows <count>', 'sample rows of each kind', '3');
    command
      .command('keep')
      .description('pin a release: retention keeps its versions')
      .argument('<release>', RELEASE)
      .option('--dry-run', 'print what would be done; change nothing');
    command
      .command('drop')
      .description('let go of a pinned release')
      .argument('<release>', RELEASE)
      .option('--dry-run', 'print what would be done; change nothing');
  },
  load: async () => (await import('../runners/release.ts')).release,
};
