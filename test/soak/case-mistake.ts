import type { Edit } from '../support/broken-build.ts';

/** A mistake in the program that the tests of fault cases have to notice. */
export interface CaseMistake {
  readonly name: string;
  /** Every one of these cases has a test that turns red. */
  readonly cases: readonly number[];
  /** Mostly one; where one safeguard backs another, both have to be gone. */
  readonly edits: readonly Edit[];
}

/** A mistake of one edit, in a file below `src`. */
export function mistake(cases: readonly number[], name: string, file: string, from: string, to: string): CaseMistake {
  return { name, cases, edits: [{ file: `src/${file}`, from, to }] };
}
