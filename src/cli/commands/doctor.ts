import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'doctor',
  summary: 'Look at everything a run depends on, and say what to do about it',
  group: 'Care',
  configure(command) {
    command
      .option('--json', 'the whole report as JSON, for a support request (secrets masked)')
      .addHelpText(
        'after',
        '\nChanges nothing and asks no server for data. Ends with 1 when a run\nwould not work.\n\nExamples:\n  dataflow doctor\n  dataflow doctor --json > doctor.json',
      );
  },
  load: async () => (await import('../runners/doctor.ts')).doctor,
};
