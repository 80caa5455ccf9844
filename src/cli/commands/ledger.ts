import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'ledger',
  summary: 'Care for the ledger: rebuild it from the lake, list inputs and releases',
  group: 'Care',
  configure(command) {
    command.command('rebuild').description('make the ledger anew from the lake alone; the old file is kept aside');
    command
      .command('inputs')
      .description('list every input file with its hash, state and bronze version')
      .argument('[source]', 'only of this source');
    command.command('releases').description('list the releases: table versions that belong together');
  },
  load: async () => (await import('../runners/ledger.ts')).ledger,
};
