import { Option } from 'commander';
import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'generate',
  summary: 'Make data from the declared columns, keys, references and rules',
  group: 'Start',
  configure(command) {
    command
      .argument('[sources...]', 'sources to make data for (default: those with `generate:`, else all of files)')
      .option('--rows <rows...>', 'rows of the main source, or of named ones: 100000, clients=1500')
      .option('--seed <number>', 'the same seed gives the same bytes', '1')
      .option(
        '--bad <share>',
        'share of faulty rows, such as 2%; what a run must find is written to _expected.json',
        '0%',
      )
      .addOption(fileFormat())
      .option('--gzip', 'compress the files')
      .option('--out <folder>', 'where the files go (default: where the sources look for them)')
      .option('--force', 'replace files that were not made here')
      .addHelpText(
        'after',
        '\nExamples:\n  dataflow generate --bad 2%\n  dataflow generate achats --rows 100000\n  dataflow generate --rows 1000000 --seed 7 --format parquet\n  dataflow generate --rows clients=1500 --out data',
      );
  },
  load: async () => (await import('../runners/generate.ts')).generate,
};

/** Kept under a name of its own: `format` is how answers are printed. */
function fileFormat(): Option {
  const option = new Option('--format <format>', 'format of the files')
    .choices(['csv', 'ndjson', 'parquet'])
    .default('csv');
  option.attributeName = () => 'fileFormat';
  return option;
}
