import type { CommandSpec } from '../command-spec.ts';
import { addSelectionFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'plan',
  summary: 'Print what would run and why, with estimates; changes nothing',
  group: 'Look',
  configure(command) {
    addSelectionFlags(command.argument('[layer]', 'bronze, silver or gold: only tables of this layer'))
      .option('--full-refresh', 'plan as if whole tables were asked for')
      .option('--rehash', 'plan as if every input file were hashed again')
      .option('--all', 'list up-to-date tables too');
  },
  load: async () => (await import('../runners/run.ts')).plan,
};
