import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'demo',
  summary: 'Make a retail shop with faulty rows in a new folder and take it to key figures',
  group: 'Start',
  configure(command) {
    command
      .argument('[folder]', 'where the demo lives (default: retail-demo; with --all a folder that goes afterwards)')
      .option('--rows <count>', 'purchases to make (default: 1 to 10 for each of 1,500 clients)')
      .option(
        '--all',
        'a quick test instead: a stream, an API and CSV, JSON and Parquet files, held against what was put in',
      )
      .addHelpText(
        'after',
        '\nRun it again: it finds nothing to do. Look around with the verbs it\nnames at its end. --all needs no server and no network; exit code 1 if a\ncheck fails.',
      );
  },
  load: async () => (await import('../runners/demo.ts')).demo,
};
