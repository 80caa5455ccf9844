import { Argument } from 'commander';
import type { CommandSpec } from '../command-spec.ts';
import { COMPLETION_SHELLS, type CompletionShell } from '../completion.ts';
import { EXIT_DONE } from '../exit-codes.ts';

export const spec: CommandSpec = {
  name: 'completion',
  summary: 'Print a completion script for your shell',
  group: 'Care',
  configure: (command) => {
    command.addArgument(new Argument('<shell>', 'the shell').choices([...COMPLETION_SHELLS])).addHelpText(
      'after',
      `
Examples:
  bash  dataflow completion bash > ~/.local/share/bash-completion/completions/dataflow
  zsh   dataflow completion zsh > "\${fpath[1]}/_dataflow"
  fish  dataflow completion fish > ~/.config/fish/completions/dataflow.fish`,
    );
  },
  load: async () => {
    const { completionScript } = await import('../completion.ts');
    return async ({ args, printer, program }) => {
      printer.raw(completionScript(await program(), args[0] as CompletionShell));
      return EXIT_DONE;
    };
  },
};
