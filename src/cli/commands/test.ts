import type { CommandSpec } from '../command-spec.ts';
import { addSelectionFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'test',
  summary: 'Run the declared tests on the published tables; changes nothing',
  group: 'Look',
  configure(command) {
    addSelectionFlags(command.argument('[layer]', 'silver or gold: only tables of this layer'));
  },
  load: async () => (await import('../runners/test.ts')).test,
};
