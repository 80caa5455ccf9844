import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'retry',
  summary: 'Run only what failed in a run and what was skipped because of it, with the same flags',
  group: 'Work',
  logs: true,
  configure(command) {
    command
      .argument('[run]', 'id of the run, or its beginning (default: the last one)')
      .option('--metrics-file <file>', 'write the numbers there at the end, for node_exporter (a name in .prom)')
      .option('--dry-run', 'print what would run and why; change nothing')
      .addHelpText(
        'after',
        '\nThe flags of that run (--full-refresh, --force, --rehash, --fail-fast) apply\nagain. An interrupted run goes on with the steps that it did not finish.',
      );
  },
  load: async () => (await import('../runners/retry.ts')).retry,
};
