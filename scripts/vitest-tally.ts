/** What one test file came to. */
export interface FileTally {
  /** Its path below the root of the project. */
  readonly file: string;
  readonly passed: number;
  /** Names of failed tests; of a file or suite that broke outside its tests, its own name. */
  readonly failed: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** False if its process was gone before the file had ended; vitest then also counts an error of no file. */
  readonly ended: boolean;
}

/** What a run came to. */
export interface RunTally {
  readonly files: readonly FileTally[];
  /** Errors that vitest could not place in a file. */
  readonly stray_errors: number;
  /** Names of those that failed first and passed when their file was run again; they count as passed. */
  readonly retried: readonly string[];
}

/** More than these, and it is no accident of the machine. */
const MOST_FILES_AGAIN = 12;

/** The files that deserve a second attempt: those with a failure, unless they are many. */
export function filesToRepeat(tally: RunTally): readonly string[] {
  const failed = tally.files.filter((one) => one.failed.length > 0).map(({ file }) => file);
  return failed.length > MOST_FILES_AGAIN ? [] : failed;
}

/** The first run with those files replaced by what they came to in the second; a file that the second did not reach stays as it was. */
export function afterSecond(first: RunTally, again: readonly string[], second: RunTally): RunTally {
  const later = new Map(second.files.map((one) => [one.file, one]));
  const files = first.files.map((one) => (again.includes(one.file) ? (later.get(one.file) ?? one) : one));
  const still = new Set(files.flatMap(({ failed }) => failed));
  const retried = first.files.flatMap(({ failed }) => failed).filter((name) => !still.has(name));
  const lost = first.files.filter(({ file, ended }) => !ended && later.get(file)?.ended === true).length;
  return { files, stray_errors: Math.max(0, first.stray_errors - lost) + second.stray_errors, retried };
}

/** The last line of a test run, e.g. `12 passed, 0 failed, 1 skipped`. */
export function summaryLine({ files, stray_errors }: RunTally): string {
  const sum = (count: (one: FileTally) => number): number => files.reduce((total, one) => total + count(one), 0);
  const failed = sum((one) => one.failed.length) + stray_errors;
  return `${sum((one) => one.passed)} passed, ${failed} failed, ${sum((one) => one.skipped.length)} skipped`;
}
