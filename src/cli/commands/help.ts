import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { closest } from '../../kit/closest.ts';
import type { CommandSpec } from '../command-spec.ts';
import { EXIT_DONE } from '../exit-codes.ts';
import { findCommand, helpText } from '../help-text.ts';

export const spec: CommandSpec = {
  name: 'help',
  summary: 'Print help on a command',
  group: 'Start',
  configure: (command) => {
    command.argument('[command...]', 'the command, e.g. run');
  },
  load:
    async () =>
    async ({ args, printer, program }) => {
      const root = await program();
      const command = findCommand(root, args);
      if (command === undefined) {
        const guess = closest(
          args[0] ?? '',
          root.commands.map((one) => one.name()),
        );
        throw new DataflowError(
          'E_USAGE',
          `unknown command '${args.join(' ')}'`,
          guess === undefined ? {} : { hint: `Did you mean ${guess}?` },
        );
      }
      printer.raw(helpText(command));
      return EXIT_DONE;
    },
};
