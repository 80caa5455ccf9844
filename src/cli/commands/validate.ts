import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'validate',
  summary: 'Check pipelines.yaml and everything it includes; all problems at once, with line and column',
  group: 'Start',
  configure() {},
  load: async () => (await import('../runners/validate.ts')).validate,
};
