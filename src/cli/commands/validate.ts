import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'validate',
  summary: 'Check pipelines.yaml and everything it includes; all problems at once, with line and column',
  group: 'Start',
  configure(command) {
    command
      .option('--engine <name>', 'check, too, that every model can be put into the SQL of this engine: spark')
      .option('--show <table>', 'with --engine: print the SQL of this model for the engine, and nothing else');
  },
  load: async () => (await import('../runners/validate.ts')).validate,
};
