import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'undo',
  summary: 'Put earlier table versions back: before a run, or as of a release; history stays',
  group: 'Work',
  configure(command) {
    command
      .argument('[target]', 'a run: back to before it; a release: back to it (default: the newest run that published)')
      .option('--tables <names...>', 'only these tables, each with its quarantine')
      .option('--dry-run', 'print what would be put back; change nothing')
      .addHelpText(
        'after',
        '\nUndo the undo to have it all again. The next run does not do again what was\nundone; `dataflow run --redo` does.\n\nExamples:\n  dataflow undo --dry-run\n  dataflow undo\n  dataflow undo previous',
      );
  },
  load: async () => (await import('../runners/undo.ts')).undo,
};
