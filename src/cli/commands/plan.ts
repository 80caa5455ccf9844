import type { CommandSpec } from '../command-spec.ts';
import { addRunFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'plan',
  summary: 'Print what would run and why, with estimates; changes nothing',
  group: 'Look',
  configure(command) {
    addRunFlags(command.argument('[layer]', 'bronze, silver or gold: only tables of this layer')).option(
      '--all',
      'list up-to-date tables too',
    );
  },
  load: async () => (await import('../runners/run.ts')).plan,
};
