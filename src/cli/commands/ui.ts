import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'ui',
  summary: 'Watch tables, runs, quarantine and destinations live; retry, cancel, replay by a key',
  group: 'Look',
  configure(command) {
    command.addHelpText(
      'after',
      '\nThe same as `dataflow status --watch`. It reads the ledger and changes nothing\nby itself: retry, cancel and replay show their command line and ask first. Where\nstandard output is no terminal it prints what `dataflow status` prints.',
    );
  },
  load: async () => (await import('../runners/status.ts')).ui,
};
