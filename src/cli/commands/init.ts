import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'init',
  summary: 'Write a pipelines.yaml: empty with examples, or inferred from the files of a folder',
  group: 'Start',
  configure(command) {
    command
      .argument('[folder]', 'where the project goes', '.')
      .option('--from <folder>', 'infer sources, columns and keys from the data files in this folder')
      .option('--name <name>', 'name of the project (default: the name of the folder)')
      .option('--force', 'replace a pipelines.yaml that is there')
      .option('--yes', 'ask nothing')
      .addHelpText('after', '\nExamples:\n  dataflow init --from data\n  dataflow init shop --name shop');
  },
  load: async () => (await import('../runners/init.ts')).init,
};
