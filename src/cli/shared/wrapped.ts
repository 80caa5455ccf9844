import { escapeControls, wrapWords } from '../../kit/terminal-text.ts';
import type { Printer } from '../printer.ts';

/** Prints a sentence that may be longer than the terminal is wide: broken at blanks, what follows indented once more. */
export function printWrapped(printer: Printer, text: string): void {
  const indent = /^ */.exec(text)?.[0] ?? '';
  for (const line of wrapWords(escapeControls(text), printer.width, `${indent}  `)) printer.text(line);
}

/** A message that often begins with the step's name, for a line that has it already. */
export function withoutStep(step: string, message: string): string {
  return message.startsWith(`${step}: `) ? message.slice(step.length + 2) : message;
}
