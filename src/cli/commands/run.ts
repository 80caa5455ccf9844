import type { CommandSpec } from '../command-spec.ts';
import { addSelectionFlags } from '../shared/selection-flags.ts';

export const spec: CommandSpec = {
  name: 'run',
  summary: 'Take new input through bronze, silver and gold; only what changed is computed',
  group: 'Work',
  configure(command) {
    addSelectionFlags(command.argument('[layer]', 'bronze, silver or gold: only tables of this layer'))
      .option('--full-refresh', 'compute whole tables even where a part would do')
      .option('--rehash', 'hash every input file again instead of trusting size, time and inode')
      .option('--dry-run', 'print what would run and why; change nothing')
      .addHelpText(
        'after',
        '\nExamples:\n  dataflow run\n  dataflow run silver\n  dataflow run --select +gold.kpi_* --exclude tag:slow',
      );
  },
  load: async () => (await import('../runners/run.ts')).run,
};
