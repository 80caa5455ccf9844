import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'demo',
  summary: 'Make a retail shop with faulty rows in a new folder and take it to key figures',
  group: 'Start',
  configure(command) {
    command
      .argument('[folder]', 'where the demo lives', 'retail-demo')
      .option('--rows <count>', 'purchases to make (default: 1 to 10 for each of 1,500 clients)')
      .addHelpText('after', '\nRun it again: it finds nothing to do. Look around with the verbs it\nnames at its end.');
  },
  load: async () => (await import('../runners/demo.ts')).demo,
};
