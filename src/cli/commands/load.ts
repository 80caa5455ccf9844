import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'load',
  summary: 'Load a release into databases: only what changed, all of it or nothing',
  group: 'Work',
  logs: true,
  configure(command) {
    command
      .command('run', { isDefault: true })
      .description('bring destinations to the newest release, or to the one named')
      .argument('[name...]', 'entries of loads: (default: all)')
      .option('--release <release>', 'an id or its beginning, current, previous, current~N, or first')
      .option('--full-refresh', 'all rows of all tables anew, whatever is there')
      .option('--dry-run', 'print inserts, updates, deletes and statements; change nothing');
    command
      .command('status')
      .description('which release each destination holds, how far behind it is, and how long it took to get there')
      .argument('[name...]', 'entries of loads: (default: all)');
  },
  load: async () => (await import('../runners/load.ts')).load,
};
