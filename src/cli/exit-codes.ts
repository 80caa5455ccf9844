import { DataflowError, DataflowErrors } from '../core/errors/dataflow-error.ts';

/** What the exit status says to a script. Errors carry theirs in the catalogue (1 to 6). */
export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** The exit status that an error leads to; of several, wrong use outweighs the rest. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof DataflowError) return error.exit_code;
  if (!(error instanceof DataflowErrors)) return EXIT_FAILED;
  const codes = error.errors.map((one) => one.exit_code);
  return codes.includes(EXIT_USAGE) ? EXIT_USAGE : (codes[0] ?? EXIT_FAILED);
}
