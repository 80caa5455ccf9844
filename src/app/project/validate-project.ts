import type { ErrorCode } from '../../core/errors/catalogue.ts';
import type { Place } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { LoadOptions } from './loaded-project.ts';
import { readProject } from './read-project.ts';

/** One thing that is wrong, as data: what `dataflow validate` prints in any format. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

export interface Validation {
  readonly valid: boolean;
  /** In the order of the files and lines, secrets masked. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly files: readonly string[];
  /** There when the configuration is valid: further checks (SQL) start from it. */
  readonly project: Project | undefined;
  place(path: readonly (string | number)[]): Place | undefined;
}

/** Checks the configuration and everything it includes, changes nothing, and returns all problems instead of throwing. */
export async function validateProject(options: LoadOptions): Promise<Validation> {
  const { project, problems, warnings, files, place } = await readProject(options);
  return {
    valid: problems.length === 0,
    problems: problems.map((error) => ({
      code: error.code,
      message: error.message,
      hint: error.hint,
      file: error.place?.file,
      line: error.place?.line,
      column: error.place?.column,
    })),
    warnings,
    files,
    project,
    place,
  };
}
