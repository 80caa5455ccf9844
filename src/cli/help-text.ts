import type { Command } from 'commander';

/** What `--help` prints for a command, examples included. */
export function helpText(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

/** The command that the words name, e.g. `['ledger', 'rebuild']`; undefined when there is none. */
export function findCommand(program: Command, words: readonly string[]): Command | undefined {
  let command: Command | undefined = program;
  for (const word of words) command = command?.commands.find((one) => one.name() === word);
  return command;
}

/** Every help text, by the words that ask for it joined with dots: '' for the program, `run`, `ledger.rebuild`. */
export function allHelpTexts(program: Command): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const visit = (command: Command, words: readonly string[]): void => {
    texts.set(words.join('.'), helpText(command));
    for (const sub of command.commands) visit(sub, [...words, sub.name()]);
  };
  visit(program, []);
  return texts;
}
